import { startGuard } from "./guard.ts";
import { answers, ask, listBrokers } from "./probe.ts";
import { isRegistered } from "./registration.ts";
import { findFreePort } from "./ports.ts";
import { eventually, withProgress } from "./progress.ts";
import { findInstallation, type Installation } from "./rocketmq_home.ts";
import {
  brokerConfig,
  controlledConfig,
  controllerConfig,
  homeFiles,
  javaOptions,
  nameServerConfig,
  proxyConfig,
  type ServerConfig,
} from "./server_config.ts";
import { ServerProcess, type ServerProcessOptions } from "./server_process.ts";

/** Asks a controller which brokers are in sync with the masters of some names. */
const CONTROLLER_GET_SYNC_STATE_DATA = 1006;

/** What is particular to one broker of a cluster. */
export interface BrokerOptions {
  /** The master, by name, whose slave this broker becomes; without it, it is a master. */
  slaveOf?: string;
  /** Settings on top of those of the cluster, by their names in `broker.conf`. */
  config?: ServerConfig;
  /** Options of its Java virtual machine on top of those of the cluster. */
  javaOptions?: readonly string[];
  /** Loopback address on which it listens, and by which it is known. @default {"127.0.0.1"} */
  host?: "127.0.0.1" | "::1";
  /** Settings of a proxy in local mode, in whose process it runs then. */
  localProxy?: ServerConfig;
}

/** How a {@linkcode RocketMQCluster} is made. */
export interface ClusterOptions {
  /** How many masters (default 1), or each broker on its own. */
  brokers?: number | readonly BrokerOptions[];
  /** How many name servers; each knows all brokers. Default 1. */
  nameServers?: number;
  /** RocketMQ release. Default: `ROCKETMQ_TEST_VERSION`, else 5.5.0. */
  version?: string;
  /** Settings of every broker, by their names in `broker.conf`, on top of the defaults. */
  brokerConfig?: ServerConfig;
  /** Settings of every name server on top of the defaults. */
  nameServerConfig?: ServerConfig;
  /** Settings of a controller in the first name server, which makes one broker of each name the master. */
  controller?: ServerConfig;
  /** Options of every Java virtual machine on top of the defaults. */
  javaOptions?: readonly string[];
  /** Authorities of the servers' certificates: whether they are up is asked over TLS then. */
  caCerts?: readonly string[];
}

/** A broker of a {@linkcode RocketMQCluster}. */
export class BrokerProcess extends ServerProcess {
  /** 0 for a master. */
  readonly brokerId: number;
  /** What name servers are told of its `brokerPermission`. */
  readonly permission: string;
  /** `host:port` of the proxy in its process, if it has one. */
  readonly proxyAddress: string | undefined;

  /** Nothing is started yet. */
  constructor(
    options: ServerProcessOptions & {
      brokerId: number;
      permission: string;
      proxyAddress?: string | undefined;
    },
  ) {
    super(options);
    this.brokerId = options.brokerId;
    this.permission = options.permission;
    this.proxyAddress = options.proxyAddress;
  }
}

/**
 * A RocketMQ cluster of real Java processes: on loopback, on free ports, in a temporary folder, for
 * as long as this object is not disposed of and this process lives.
 *
 * @example
 * ```ts ignore
 * import { RocketMQCluster } from "./cluster.ts";
 *
 * await using cluster = await RocketMQCluster.start({ brokers: 2 });
 * await cluster.brokers[0]!.kill();
 * await cluster.brokers[0]!.start();
 * ```
 */
export class RocketMQCluster implements AsyncDisposable {
  /** Everything that the cluster writes. It is removed at the end. */
  readonly folder: string;
  readonly #installation: Installation;
  readonly #options: ClusterOptions;
  readonly #nameServers: ServerProcess[] = [];
  readonly #brokers: BrokerProcess[] = [];
  readonly #proxies: ServerProcess[] = [];
  #controllerPort: number | undefined;

  private constructor(folder: string, installation: Installation, options: ClusterOptions) {
    this.folder = folder;
    this.#installation = installation;
    this.#options = options;
  }

  /**
   * Starts a cluster and resolves when every name server knows every broker, after some ten
   * seconds. Rejects with the end of the log of the process that failed; nothing is left then.
   */
  static async start(options: ClusterOptions = {}): Promise<RocketMQCluster> {
    const installation = await findInstallation(options.version);
    return await withProgress(`RocketMQ ${installation.version}: starting`, async () => {
      for (let attempt = 1;; attempt++) {
        const folder = await Deno.makeTempDir({ prefix: "rocketmq-" });
        const cluster = new RocketMQCluster(folder, installation, options);
        try {
          await cluster.#start();
          return cluster;
        } catch (error) {
          await cluster[Symbol.asyncDispose]();
          if (attempt === 3 || !isPortTaken(error)) throw error;
        }
      }
    });
  }

  /** The name servers as processes. */
  get nameServerProcesses(): readonly ServerProcess[] {
    return this.#nameServers;
  }

  /** The brokers, in the order in which they were asked for. */
  get brokers(): readonly BrokerProcess[] {
    return this.#brokers;
  }

  /** The proxies in the order in which they were added. */
  get proxies(): readonly ServerProcess[] {
    return this.#proxies;
  }

  /** The name servers as clients take them: `127.0.0.1:20001;127.0.0.1:20002`. */
  get nameServers(): string {
    return this.#nameServers.map(({ address }) => address).join(";");
  }

  /** Starts one more broker: a master with the next letter, or a slave. */
  async addBroker(options: BrokerOptions = {}): Promise<BrokerProcess> {
    const broker = await this.#prepareBroker(options);
    await broker.start();
    return broker;
  }

  /**
   * Starts a proxy in front of the brokers. Clients take its address for that of a name server, and
   * it gives itself as the only broker; it needs jars beyond those of the cluster.
   */
  async addProxy(config: ServerConfig = {}): Promise<ServerProcess> {
    const port = findFreePort([1]), address = `127.0.0.1:${port}`;
    const name = `proxy-${this.#proxies.length + 1}`, folder = `${this.folder}/${name}`;
    await Deno.mkdir(`${folder}/conf`, { recursive: true });
    await Deno.mkdir(`${folder}/tmp`);
    const command = await this.#proxyCommand(folder, port, config);
    const isReady = () => answers(address);
    const env = { ROCKETMQ_HOME: folder };
    const proxy = new ServerProcess({ name, address, folder, command, env, isReady });
    this.#proxies.push(proxy);
    await proxy.start();
    return proxy;
  }

  /** Writes the configuration of a proxy and returns the command that starts it. */
  async #proxyCommand(folder: string, port: number, overrides: ServerConfig): Promise<string[]> {
    const { version } = this.#installation;
    const { java, javaMajor, classpath } = await findInstallation(version, "proxy");
    const file = `${folder}/conf/rmq-proxy.json`;
    await Deno.writeTextFile(file, proxyConfig({ port, nameServers: this.nameServers, overrides }));
    const options = javaOptions({ folder, javaMajor });
    const mainClass = "org.apache.rocketmq.proxy.ProxyStartup";
    return [java, ...options, "-cp", classpath, mainClass, "-pc", file];
  }

  /** Returns the broker that the first name server that answers lists as the master of a name. */
  async masterOf(name: string): Promise<BrokerProcess | undefined> {
    for (const { address, isResponsive } of this.#nameServers) {
      if (!isResponsive) continue;
      const listed = await listBrokers(address, undefined, this.#options.caCerts).catch(() => []);
      const master = listed.find((it) => it.name === name && it.brokerId === 0);
      if (master) return this.#brokers.find((it) => it.address === master.address);
    }
  }

  /** Waits until the controller counts all running brokers of a name as in sync with their master. */
  async inSync(name: string, { timeout = 60_000 }: { timeout?: number } = {}): Promise<void> {
    const running = this.#brokers.filter((it) => it.name === name && it.isRunning).length;
    const address = `127.0.0.1:${this.#controllerPort}`;
    const request = { code: CONTROLLER_GET_SYNC_STATE_DATA, body: JSON.stringify([name]) };
    const isInSync = async () => {
      const { body } = await ask(address, request).catch(() => ({ body: "" }));
      const [, list = ""] = /"inSyncReplicas":\[(.*?)\]/.exec(body) ?? [];
      return list.split('"brokerId"').length - 1 >= running;
    };
    if (await eventually(isInSync, timeout, 200)) return;
    const { body } = await ask(address, request);
    throw new Error(`Cannot see ${name} in sync after ${timeout} ms: ${body.slice(0, 500)}`);
  }

  /** Gives a broker that is not running other ports, which it takes when it is started again. */
  async moveBroker(broker: BrokerProcess): Promise<void> {
    const port = findFreePort([-2, 1]);
    const host = broker.address.slice(0, broker.address.lastIndexOf(":"));
    await broker.moveTo(`${host}:${port}`, {
      listenPort: String(port),
      haListenPort: String(port + 1),
    });
  }

  /**
   * Waits until every name server that can answer knows every broker that is running, for instance
   * after a restart of a name server.
   */
  async registered({ timeout = 30_000 }: { timeout?: number } = {}): Promise<void> {
    const deadline = performance.now() + timeout;
    for (const broker of this.#brokers.filter(({ isRunning }) => isRunning)) {
      while (!await this.#isRegistered(broker)) {
        if (performance.now() > deadline) {
          throw new Error(`Cannot find ${broker.name} in ${this.nameServers} after ${timeout} ms`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** Ends all processes and removes the folder. Their store is thrown away, so they are killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [...this.#proxies, ...this.#brokers, ...this.#nameServers];
    await Promise.all(processes.map((process) => process.kill()));
    await Deno.remove(this.folder, { recursive: true }).catch(ignoreNotFound);
  }

  async #start(): Promise<void> {
    await startGuard(this.folder);
    const { nameServers = 1, brokers = 1 } = this.#options;
    for (let index = 0; index < nameServers; index++) await this.#prepareNameServer();
    // Brokers that find a name server missing try again only after ten seconds.
    await startAll(this.#nameServers);
    const each = typeof brokers === "number"
      ? Array.from({ length: brokers }, () => ({}))
      : brokers;
    for (const options of each) await this.#prepareBroker(options);
    await startAll(this.#brokers);
  }

  async #prepareNameServer(): Promise<void> {
    const port = findFreePort();
    const address = `127.0.0.1:${port}`;
    const name = `namesrv-${this.#nameServers.length + 1}`;
    const folder = `${this.folder}/${name}`;
    const { nameServerConfig: settings, controller } = this.#options;
    let overrides = settings;
    if (controller && this.#controllerPort === undefined) {
      const controllerPort = this.#controllerPort = findFreePort();
      overrides = {
        ...settings,
        ...controllerConfig({ folder, port: controllerPort }),
        ...controller,
      };
    }
    const config = nameServerConfig({ folder, port, overrides });
    const launch = await this.#prepare(folder, "namesrv.NamesrvStartup", config);
    const isReady = () => answers(address, undefined, this.#options.caCerts);
    this.#nameServers.push(new ServerProcess({ ...launch, name, address, folder, isReady }));
  }

  async #prepareBroker(
    { slaveOf, config, javaOptions, host = "127.0.0.1", localProxy }: BrokerOptions,
  ): Promise<BrokerProcess> {
    const masters = this.#brokers.filter(({ brokerId }) => brokerId === 0).length;
    const name = slaveOf ?? `broker-${String.fromCharCode("a".charCodeAt(0) + masters)}`;
    const brokerId = slaveOf === undefined
      ? 0
      : this.#brokers.filter((it) => it.name === name).length;
    const port = findFreePort([-2, 1]);
    // As brokers tell it to name servers: one on IPv6 puts no brackets around its host.
    const address = `${host}:${port}`;
    const folder = `${this.folder}/${brokerId === 0 ? name : `${name}-${brokerId}`}`;
    const settings = brokerConfig({
      folder,
      host,
      port,
      brokerName: name,
      brokerId,
      nameServers: this.nameServers,
      overrides: {
        ...this.#controllerPort && controlledConfig({ folder, port: this.#controllerPort }),
        ...this.#options.brokerConfig,
        ...config,
      },
    });
    const launch = await this.#prepare(folder, "broker.BrokerStartup", settings, javaOptions);
    let proxyAddress: string | undefined;
    if (localProxy) {
      const proxyPort = findFreePort([1]);
      const words = await this.#proxyCommand(folder, proxyPort, localProxy);
      launch.command = [...words, "-pm", "LOCAL", "-bc", `${folder}/conf/server.conf`];
      proxyAddress = `127.0.0.1:${proxyPort}`;
    }
    const broker: BrokerProcess = new BrokerProcess({
      ...launch,
      proxyAddress,
      name,
      address,
      folder,
      brokerId,
      permission: settings.brokerPermission ?? "6",
      isReady: () => this.#isRegistered(broker),
    });
    this.#brokers.push(broker);
    return broker;
  }

  async #prepare(
    folder: string,
    mainClass: string,
    config: ServerConfig,
    furtherOptions: readonly string[] = [],
  ): Promise<Pick<ServerProcessOptions, "command" | "env">> {
    await Deno.mkdir(`${folder}/conf`, { recursive: true });
    await Deno.mkdir(`${folder}/tmp`);
    for (const [path, text] of Object.entries(homeFiles(config))) {
      await Deno.writeTextFile(`${folder}/${path}`, text);
    }
    const { java, javaMajor, classpath } = this.#installation;
    return {
      command: [
        java,
        ...javaOptions({ folder, javaMajor }),
        ...this.#options.javaOptions ?? [],
        ...furtherOptions,
        "-cp",
        classpath,
        `org.apache.rocketmq.${mainClass}`,
        "-c",
        `${folder}/conf/server.conf`,
      ],
      env: { ROCKETMQ_HOME: folder },
    };
  }

  /** Name servers that are down or suspended can't know of it and are left out. */
  async #isRegistered(broker: BrokerProcess): Promise<boolean> {
    const responsive = this.#nameServers.filter(({ isResponsive }) => isResponsive);
    const addresses = responsive.map(({ address }) => address);
    return await isRegistered(broker, addresses, this.#options.caCerts);
  }
}

/** Waits for all of them also when one fails, so that none is started behind the back of the rest. */
async function startAll(processes: readonly ServerProcess[]): Promise<void> {
  const results = await Promise.allSettled(processes.map((process) => process.start()));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function isPortTaken(error: unknown): boolean {
  return /Address already in use|BindException/.test(String(error));
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
