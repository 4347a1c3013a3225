import { text } from 'node:stream/consumers'
import { fromBufferPromise } from 'yauzl'
import { zipOf } from '#test/support/zip.ts'
import type { FakeOrg } from './model.ts'
import type { FakeAnswer, FakeRequest } from './oauth.ts'
import { ApiRefusal, notAllowed, notFound } from './refusal.ts'
import { type FakeDeployment, type FakeTest, type FakeWork, fakeId } from './work.ts'

const knownOptions = new Set([
  ...['allowMissingFiles', 'autoUpdatePackage', 'checkOnly', 'ignoreWarnings', 'performRetrieve', 'purgeOnDelete'],
  ...['rollbackOnError', 'runTests', 'singlePackage', 'testLevel'],
])
const testLevels = [
  undefined,
  'NoTestRun',
  'RunSpecifiedTests',
  'RunLocalTests',
  'RunAllTestsInOrg',
  'RunRelevantTests',
]

/** Deployments by the Metadata REST API, below `/metadata/deployRequest`. */
export async function answerDeploy(org: FakeOrg, path: string, request: FakeRequest): Promise<FakeAnswer> {
  if (path === '/metadata/deployRequest') {
    if (request.method !== 'POST') throw notAllowed()
    const isQuick = request.headers['content-type']?.startsWith('application/json')
    const deployment = isQuick ? quick(org, request) : await uploaded(org, request)
    org.work.deployments.set(deployment.id, deployment)
    return {
      status: 201,
      body: { id: deployment.id, validatedDeployRequestId: null, deployResult: resultOf(org, deployment, false) },
    }
  }
  const deployment = org.work.deployments.get(/^\/metadata\/deployRequest\/(\w+)$/.exec(path)?.[1] ?? '')
  if (deployment === undefined) throw notFound()
  if (request.method === 'PATCH') {
    if (JSON.parse(request.body)?.deployResult?.status !== 'Canceling')
      throw new ApiRefusal(400, 'INVALID_INPUT', 'only Canceling')
    if (deployment.status === 'Pending' || deployment.status === 'InProgress') deployment.status = 'Canceling'
    return { status: 202, body: { id: deployment.id, deployResult: resultOf(org, deployment, false) } }
  }
  if (request.method !== 'GET') throw notAllowed()
  advance(org, deployment)
  const hasDetails = request.query.get('includeDetails') === 'true'
  return { status: 200, body: { id: deployment.id, deployResult: resultOf(org, deployment, hasDetails) } }
}

async function uploaded(org: FakeOrg, { headers, bytes }: FakeRequest): Promise<FakeDeployment> {
  const [, boundary] = /^multipart\/form-data; ?boundary="?([^";]+)"?$/.exec(headers['content-type'] ?? '') ?? []
  if (boundary === undefined) throw new ApiRefusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'must be multipart/form-data')
  const form = await new Response(new Uint8Array(bytes), {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  }).formData()
  const [json, file] = [form.get('json'), form.get('file')]
  if (json === null || !(file instanceof Blob) || file.type !== 'application/zip')
    throw new ApiRefusal(400, 'INVALID_MULTIPART_REQUEST', 'Must include a json part and a zip file part')
  const { deployOptions } = JSON.parse(typeof json === 'string' ? json : await json.text()) as Record<
    string,
    Record<string, unknown>
  >
  if (deployOptions === undefined) throw new ApiRefusal(400, 'INVALID_INPUT', 'deployOptions are missing')
  const unknown = Object.keys(deployOptions).find((name) => !knownOptions.has(name))
  if (unknown !== undefined) throw new ApiRefusal(400, 'JSON_PARSER_ERROR', `Unrecognized field "${unknown}"`)
  if (!testLevels.includes(deployOptions['testLevel'] as string | undefined))
    throw new ApiRefusal(400, 'INVALID_INPUT', 'no such testLevel')
  if (org.kind === 'production' && deployOptions['rollbackOnError'] !== true)
    throw new ApiRefusal(400, 'INVALID_INPUT', 'rollbackOnError must be true in a production org')
  const files = await filesOf(Buffer.from(await file.arrayBuffer()))
  if (deployOptions['singlePackage'] === true && !files.has('package.xml'))
    throw new ApiRefusal(400, 'INVALID_INPUT', 'No package.xml found')
  return { id: fakeId('0Af'), options: deployOptions, files, status: 'Pending', looks: 0 }
}

async function filesOf(zip: Buffer): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const opened = await fromBufferPromise(zip)
  for await (const entry of opened.eachEntry())
    if (!entry.fileName.endsWith('/')) files.set(entry.fileName, await text(await opened.openReadStreamPromise(entry)))
  return files
}

function quick(org: FakeOrg, { body }: FakeRequest): FakeDeployment {
  const { validatedDeployRequestId: id } = JSON.parse(body) as Record<string, string>
  const validated = org.work.deployments.get(id ?? '')
  const isValid =
    validated?.status === 'Succeeded' &&
    validated.options['checkOnly'] === true &&
    testsOf(org.work, validated).length > 0
  if (!isValid) throw new ApiRefusal(400, 'INVALID_ID_FIELD', 'invalid validatedDeployRequestId: no tests were run')
  const options = { ...validated.options, checkOnly: false, testLevel: 'NoTestRun' }
  return { ...validated, id: fakeId('0Af'), options, status: 'Pending', looks: 0 }
}

function advance({ work }: FakeOrg, deployment: FakeDeployment): void {
  deployment.looks += 1
  if (deployment.status === 'Canceling') deployment.status = 'Canceled'
  else if (deployment.status === 'Pending') deployment.status = 'InProgress'
  else if (deployment.status === 'InProgress' && !work.isHeld) finish(work, deployment)
}

function finish(work: FakeWork, deployment: FakeDeployment): void {
  const failed = problemsOf(deployment).length + testsOf(work, deployment).filter(({ failure }) => failure).length
  deployment.status = failed > 0 ? 'Failed' : 'Succeeded'
  if (failed > 0 || deployment.options['checkOnly'] === true) return
  for (const [name, content] of deployment.files) if (name !== 'package.xml') work.files.set(name, content)
}

const componentsOf = ({ files }: FakeDeployment) => [...files].filter(([name]) => !/(-meta|package)\.xml$/.test(name))

/** A line `#error <words>` in a component is what its compiler complains about. */
function problemsOf(deployment: FakeDeployment) {
  return componentsOf(deployment).flatMap(([fileName, content]) => {
    const lines = content.split('\n')
    const index = lines.findIndex((line) => line.startsWith('#error '))
    if (index === -1) return []
    const problem = lines[index]?.slice('#error '.length)
    const fullName = fileName.replace(/^.*\/|\.\w+$/g, '')
    return [
      {
        componentType: 'ApexClass',
        fileName,
        fullName,
        problem,
        problemType: 'Error',
        lineNumber: index + 1,
        columnNumber: 1,
        success: false,
      },
    ]
  })
}

function testsOf(work: FakeWork, { options }: FakeDeployment): (FakeTest & { readonly name: string })[] {
  const { testLevel, runTests } = options
  if (testLevel === undefined || testLevel === 'NoTestRun') return []
  const named = testLevel === 'RunSpecifiedTests' ? (runTests as string[]) : [...work.tests.keys()]
  return named.flatMap((name) => (work.tests.get(name) ?? []).map((test) => ({ name, ...test })))
}

function resultOf({ work }: FakeOrg, deployment: FakeDeployment, hasDetails: boolean): object {
  const { id, status, options } = deployment
  const components = componentsOf(deployment)
  const tests = testsOf(work, deployment)
  const failures = tests.filter(({ failure }) => failure !== undefined)
  const problems = problemsOf(deployment)
  const isDone = ['Succeeded', 'Failed', 'Canceled'].includes(status)
  const hasRun = status === 'Succeeded' || status === 'Failed'
  const many = components.length - problems.length
  return {
    id,
    status,
    checkOnly: options['checkOnly'],
    done: isDone,
    success: status === 'Succeeded',
    numberComponentsDeployed: hasRun ? many : status === 'Pending' ? 0 : Math.floor(many / 2),
    numberComponentsTotal: status === 'Pending' ? 0 : components.length,
    numberComponentErrors: hasRun ? problems.length : 0,
    numberTestsCompleted: hasRun ? tests.length - failures.length : 0,
    numberTestsTotal: status === 'Pending' ? 0 : tests.length,
    numberTestErrors: hasRun ? failures.length : 0,
    ...(status === 'InProgress' && components[0] && { stateDetail: `Processing Type: ${components[0][0]}` }),
    ...(hasDetails && isDone && { details: detailsOf({ problems, tests, components }) }),
  }
}

type Details = Readonly<{
  problems: readonly object[]
  tests: ReturnType<typeof testsOf>
  components: ReturnType<typeof componentsOf>
}>

function detailsOf({ problems, tests, components }: Details): object {
  const toldTest = ({ name, method, failure }: Details['tests'][number]) => ({
    name,
    methodName: method,
    time: 12,
    ...(failure !== undefined && {
      message: failure,
      stackTrace: `Class.${name}.${method}: line 3, column 1`,
      type: 'Class',
    }),
  })
  return {
    componentFailures: problems,
    componentSuccesses: [],
    runTestResult: {
      numTestsRun: tests.length,
      numFailures: tests.filter(({ failure }) => failure).length,
      totalTime: tests.length * 12,
      successes: tests.filter(({ failure }) => !failure).map(toldTest),
      failures: tests.filter(({ failure }) => failure).map(toldTest),
      codeCoverage: components.map(([name]) => ({
        name: name.replace(/^.*\/|\.\w+$/g, ''),
        type: 'Class',
        numLocations: 10,
        numLocationsNotCovered: 2,
      })),
      codeCoverageWarnings: [],
    },
  }
}

const metadataNamespace = 'http://soap.sforce.com/2006/04/metadata'

/** The Metadata SOAP API, which alone can retrieve; `isKnown` says whether a session id is valid. */
export function answerSoap(org: FakeOrg, request: FakeRequest, isKnown: (sessionId: string) => boolean): FakeAnswer {
  const { body, headers, method } = request
  if (method !== 'POST' || !headers['content-type']?.startsWith('text/xml') || headers['soapaction'] === undefined)
    return fault('soapenv:Client', 'not a SOAP request')
  if (!body.includes(`xmlns="${metadataNamespace}"`)) return fault('soapenv:Client', 'no such namespace')
  const [, session = ''] = /<SessionHeader><sessionId>([^<]+)<\/sessionId><\/SessionHeader>/.exec(body) ?? []
  if (!isKnown(session))
    return fault('sf:INVALID_SESSION_ID', 'INVALID_SESSION_ID: Invalid Session ID found in SessionHeader')
  const asked = /<retrieve><retrieveRequest>(.*)<\/retrieveRequest><\/retrieve>/s.exec(body)?.[1]
  if (asked !== undefined) return retrieve(org.work, asked)
  const [, id = ''] =
    /<checkRetrieveStatus><asyncProcessId>(\w+)<\/asyncProcessId><includeZip>true<\/includeZip>/.exec(body) ?? []
  const job = org.work.retrieves.get(id)
  if (job === undefined) return fault('sf:INVALID_LOCATOR', 'INVALID_LOCATOR: no such retrieve')
  job.looks += 1
  const isDone = job.looks > 1 && !org.work.isHeld
  return answerOf(
    'checkRetrieveStatus',
    isDone
      ? retrieved(org.work, id, job.types)
      : '<done>false</done><status>InProgress</status><success>false</success>',
  )
}

function retrieve(work: FakeWork, asked: string): FakeAnswer {
  if (!/<apiVersion>\d+\.0<\/apiVersion>/.test(asked)) return fault('sf:UNKNOWN_EXCEPTION', 'apiVersion is missing')
  const types = new Map(
    [...asked.matchAll(/<types>((?:<members>[^<]+<\/members>)+)<name>(\w+)<\/name><\/types>/g)].map(
      ([, members = '', name = '']) => [
        name,
        [...members.matchAll(/<members>([^<]+)<\/members>/g)].map(([, member = '']) => member),
      ],
    ),
  )
  const id = fakeId('09S')
  work.retrieves.set(id, { types, looks: 0 })
  return answerOf('retrieve', `<done>false</done><id>${id}</id><state>Queued</state>`)
}

function retrieved(work: FakeWork, id: string, types: ReadonlyMap<string, readonly string[]>): string {
  const classes = types.get('ApexClass') ?? []
  const isWanted = (file: string) =>
    file.startsWith('classes/') && classes.some((name) => name === '*' || file.startsWith(`classes/${name}.cls`))
  const files = [...work.files].filter(([name]) => isWanted(name))
  const missing = classes.filter((name) => name !== '*' && !work.files.has(`classes/${name}.cls`))
  const manifest =
    '<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata"><version>66.0</version></Package>'
  const zip = zipOf([{ name: 'package.xml', data: manifest }, ...files.map(([name, data]) => ({ name, data }))])
  const properties = files
    .filter(([name]) => name.endsWith('.cls'))
    .map(
      ([name]) =>
        `<fileProperties><fileName>${name}</fileName><fullName>${name.slice(8, -4)}</fullName><type>ApexClass</type></fileProperties>`,
    )
  const messages = missing.map(
    (name) =>
      `<messages><fileName>package.xml</fileName><problem>Entity of type 'ApexClass' named '${name}' cannot be found</problem></messages>`,
  )
  return `<done>true</done>${properties.join('')}<id>${id}</id>${messages.join('')}<status>Succeeded</status><success>true</success><zipFile>${zip.toString('base64')}</zipFile>`
}

function answerOf(name: string, result: string): FakeAnswer {
  return soap(200, `<${name}Response xmlns="${metadataNamespace}"><result>${result}</result></${name}Response>`)
}

function fault(code: string, words: string): FakeAnswer {
  return soap(500, `<soapenv:Fault><faultcode>${code}</faultcode><faultstring>${words}</faultstring></soapenv:Fault>`)
}

function soap(status: number, body: string): FakeAnswer {
  const envelope = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`
  return { status, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: envelope }
}
