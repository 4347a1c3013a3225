import { graphql } from './generated/graphql/gql.ts'

export const Submit = graphql(`
  mutation Submit($input: SubmitTaskInput!) {
    submitTask(input: $input) {
      __typename
      ... on SubmitTaskPayload {
        task {
          __typename
          id
          status
        }
      }
      ... on Failure {
        code
        message
      }
    }
  }
`)

export const Cancel = graphql(`
  mutation Cancel($id: ID!) {
    cancelTask(input: { id: $id }) {
      __typename
      ... on CancelTaskPayload {
        task {
          __typename
          id
          status
        }
      }
      ... on Failure {
        code
      }
    }
  }
`)

export const TaskStatus = graphql(`
  query TaskStatus($id: ID!) {
    task(id: $id) {
      __typename
      id
      status
    }
  }
`)

export const Watch = graphql(`
  subscription Watch($id: ID!) {
    taskUpdates(id: $id) {
      kind
      status
      task {
        __typename
        id
        status
        result
      }
    }
  }
`)

export const Page = graphql(`
  query Page($type: [String!], $first: Int, $after: String) {
    tasks(where: { type: $type }, first: $first, after: $after) {
      edges {
        cursor
        node {
          __typename
          id
          createdAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const Write = graphql(`
  mutation Write($input: PutDocumentInput!) {
    putDocument(input: $input) {
      __typename
      ... on PutDocumentPayload {
        document {
          version
        }
      }
      ... on Failure {
        code
      }
    }
  }
`)

export const Read = graphql(`
  query Read($collection: String!, $key: String!) {
    document(collection: $collection, key: $key) {
      version
      data
    }
  }
`)
