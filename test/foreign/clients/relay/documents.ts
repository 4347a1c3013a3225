import { graphql } from 'relay-runtime'

// Relay's compiler reads these; what runs is what it makes of them.

export const TaskFragment = graphql`
  fragment documents_task on Task @refetchable(queryName: "documentsTaskRefetchQuery") {
    id
    status
    result
  }
`

export const ListFragment = graphql`
  fragment documents_list on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" }, type: { type: "[String!]" })
  @refetchable(queryName: "documentsListPaginationQuery") {
    tasks(first: $first, after: $after, where: { type: $type }) @connection(key: "documents_tasks") {
      edges {
        node {
          id
          ...documents_task
        }
      }
    }
  }
`

export const ListQuery = graphql`
  query documentsListQuery($type: [String!]) {
    ...documents_list @arguments(type: $type)
  }
`

export const Submit = graphql`
  mutation documentsSubmitMutation($input: SubmitTaskInput!) {
    submitTask(input: $input) {
      __typename
      ... on SubmitTaskPayload {
        task {
          id
        }
      }
      ... on Failure {
        code
        message
      }
    }
  }
`

export const Watch = graphql`
  subscription documentsWatchSubscription($id: ID!) {
    taskUpdates(id: $id) {
      kind
      task {
        id
        status
        result
      }
    }
  }
`

export const Write = graphql`
  mutation documentsWriteMutation($input: PutDocumentInput!) {
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
`

export const Read = graphql`
  query documentsReadQuery($collection: String!, $key: String!) {
    document(collection: $collection, key: $key) {
      version
      data
    }
  }
`

export const Refused = graphql`
  query documentsErrorQuery {
    tasks(first: 0) {
      nodes {
        id
      }
    }
  }
`

export const Nodes = graphql`
  query documentsNodesQuery($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      id
      ... on Task {
        status
      }
    }
  }
`
