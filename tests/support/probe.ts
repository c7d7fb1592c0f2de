/** GET_BROKER_CLUSTER_INFO: a name server lists its brokers; a broker answers "not supported". */
const GET_BROKER_CLUSTER_INFO = 106;

const MAX_ANSWER = 1024 * 1024;

/** A broker as a name server lists it. */
export interface BrokerAddress {
  /** Broker name, which a master and its slaves have in common. */
  name: string;
  /** 0 for a master. */
  brokerId: number;
  /** `host:port` of the remoting protocol. */
  address: string;
}

/** A request in the least that every server understands. */
export interface RawRequest {
  /** Request code. */
  code: number;
  /** Header fields of that request. */
  extFields?: Record<string, string>;
  /** Body as text. */
  body?: string;
}

/** What matters of an answer. */
export interface RawAnswer {
  /** Response code; 0 is success. */
  code: number;
  /** The body as text. */
  body: string;
}

/**
 * The brokers that a name server knows. Rejects if it does not answer in time. It is asked over TLS
 * where `caCerts` are given, as in the functions below.
 */
export async function listBrokers(
  nameServer: string,
  timeout = 2000,
  caCerts?: readonly string[],
): Promise<BrokerAddress[]> {
  const { body } = await ask(nameServer, { code: GET_BROKER_CLUSTER_INFO }, timeout, caCerts);
  // The table is written with bare numbers as keys: {"brokerAddrs":{0:"127.0.0.1:10911"}}.
  const { brokerAddrTable = {} } = JSON.parse(body.replace(/([{,])(\d+):/g, '$1"$2":')) as {
    brokerAddrTable?: Record<string, { brokerAddrs: Record<string, string> }>;
  };
  return Object.entries(brokerAddrTable).flatMap(([name, { brokerAddrs }]) =>
    Object.entries(brokerAddrs).map(([id, address]) => ({ name, brokerId: Number(id), address }))
  );
}

/** Whether the server at `host:port` answers a request at all, be it with an error. */
export async function answers(
  address: string,
  timeout = 2000,
  caCerts?: readonly string[],
): Promise<boolean> {
  return await ask(address, { code: GET_BROKER_CLUSTER_INFO }, timeout, caCerts)
    .then(() => true, () => false);
}

/**
 * One request over a connection of its own. Deliberately not the code under test: what decides
 * whether the cluster is up must not fail together with it.
 */
export async function ask(
  address: string,
  request: RawRequest,
  timeout = 2000,
  caCerts?: readonly string[],
): Promise<RawAnswer> {
  const colon = address.lastIndexOf(":");
  const hostname = address.slice(0, colon);
  const dial = new AbortController();
  let connection: Deno.Conn | undefined;
  const end = () => {
    dial.abort(new Error(`Cannot get an answer of ${address}: ${timeout} ms have passed`));
    connection?.close();
    connection = undefined;
  };
  const timer = setTimeout(end, timeout);
  try {
    const tcp = await Deno.connect({
      hostname,
      port: Number(address.slice(colon + 1)),
      signal: dial.signal,
    });
    connection = tcp;
    if (caCerts) connection = await Deno.startTls(tcp, { hostname, caCerts: [...caCerts] });
    await writeAll(connection, encode(request));
    const prefix = new DataView((await readExactly(connection, 8)).buffer);
    const rest = prefix.getUint32(0) - 4;
    const isBinary = prefix.getUint8(4) === 1;
    const headerLength = prefix.getUint32(4) & 0xffffff;
    if (rest < headerLength || rest > MAX_ANSWER) {
      throw new Error(`Cannot read the answer of ${address}: it is not a remoting frame`);
    }
    const bytes = await readExactly(connection, rest);
    const header = bytes.subarray(0, headerLength);
    const code = isBinary
      ? new DataView(header.buffer).getInt16(0)
      : JSON.parse(new TextDecoder().decode(header)).code;
    return { code, body: new TextDecoder().decode(bytes.subarray(headerLength)) };
  } finally {
    clearTimeout(timer);
    end();
  }
}

function encode({ code, extFields = {}, body = "" }: RawRequest): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({
    code,
    extFields,
    flag: 0,
    language: "OTHER",
    opaque: 1,
    serializeTypeCurrentRPC: "JSON",
    version: 475,
  }));
  const bodyBytes = new TextEncoder().encode(body);
  const frame = new Uint8Array(8 + header.length + bodyBytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length - 4);
  view.setUint32(4, header.length);
  frame.set(header, 8);
  frame.set(bodyBytes, 8 + header.length);
  return frame;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

async function readExactly(
  connection: Deno.Conn,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = await connection.read(bytes.subarray(done));
    if (count === null) throw new Error("Cannot read an answer: the server closed the connection");
    done += count;
  }
  return bytes;
}
