/** Settings of a name server or broker by their names in its configuration file. */
export type ServerConfig = Readonly<Record<string, string>>;

/** The text of a Java properties file. */
export function formatConfig(config: ServerConfig): string {
  return Object.entries(config).map(([name, value]) => `${name}=${value}\n`).join("");
}

/** Settings of a name server: on loopback only, everything below `folder`. */
export function nameServerConfig(options: {
  folder: string;
  port: number;
  overrides?: ServerConfig | undefined;
}): ServerConfig {
  return {
    listenPort: String(options.port),
    bindAddress: "127.0.0.1",
    kvConfigPath: `${options.folder}/kvConfig.json`,
    configStorePath: `${options.folder}/namesrv.properties`,
    ...options.overrides,
  };
}

/** Settings of a broker: on loopback only, quick to check back, and sparing with disk. */
export function brokerConfig(options: {
  folder: string;
  host: string;
  port: number;
  brokerName: string;
  brokerId: number;
  nameServers: string;
  overrides?: ServerConfig | undefined;
}): ServerConfig {
  const { folder, host, port, brokerName, brokerId, nameServers } = options;
  return {
    brokerClusterName: "TestCluster",
    brokerName,
    brokerId: String(brokerId),
    brokerRole: brokerId === 0 ? "ASYNC_MASTER" : "SLAVE",
    namesrvAddr: nameServers,
    // The shortest that the broker accepts: after a restarted name server it sets the waiting time.
    registerNameServerPeriod: "10000",

    bindAddress: host,
    brokerIP1: host,
    brokerIP2: host,
    listenPort: String(port),
    haListenPort: String(port + 1),

    autoCreateTopicEnable: "true",
    autoCreateSubscriptionGroup: "true",
    recallMessageEnable: "true",

    transactionTimeOut: "2500",
    transactionCheckInterval: "2000",
    transactionCheckMax: "15",
    // That the machine is loaded is no reason to refuse a send.
    brokerFastFailureEnable: "false",
    // At its default of 3 s the broker asks again about what it has just settled.
    transactionOpBatchInterval: "200",

    storePathRootDir: `${folder}/store`,
    storePathCommitLog: `${folder}/store/commitlog`,
    flushDiskType: "ASYNC_FLUSH",
    mappedFileSizeCommitLog: String(64 * 1024 * 1024),
    mappedFileSizeConsumeQueue: String(20 * 10_000),
    mappedFileSizeTimerLog: String(4 * 1024 * 1024),
    maxHashSlotNum: "50000",
    maxIndexNum: "200000",
    diskMaxUsedSpaceRatio: "99",
    ...options.overrides,
  };
}

/** Settings of a name server that is a controller, too: one of a single member, quick to notice a loss. */
export function controllerConfig(options: { folder: string; port: number }): ServerConfig {
  return {
    enableControllerInNamesrv: "true",
    controllerDLegerGroup: "controller",
    controllerDLegerSelfId: "n0",
    controllerDLegerPeers: `n0-127.0.0.1:${options.port}`,
    controllerStorePath: `${options.folder}/controller`,
    scanNotActiveBrokerInterval: "1000",
  };
}

/** Settings of a broker that becomes master or slave as the controller on a port says. */
export function controlledConfig(options: { folder: string; port: number }): ServerConfig {
  return {
    enableControllerMode: "true",
    controllerAddr: `127.0.0.1:${options.port}`,
    storePathEpochFile: `${options.folder}/store/epoch`,
    storePathBrokerIdentity: `${options.folder}/store/identity`,
    // Confirmed means stored by every slave that is in sync.
    allAckInSyncStateSet: "true",
  };
}

/** The configuration file of a proxy, whose gRPC port is the next one. */
export function proxyConfig(options: {
  port: number;
  nameServers: string;
  /** Settings by their names in `rmq-proxy.json`. */
  overrides?: ServerConfig | undefined;
}): string {
  return JSON.stringify({
    rocketMQClusterName: "TestCluster",
    proxyMode: "cluster",
    namesrvAddr: options.nameServers,
    localServeAddr: "127.0.0.1",
    remotingListenPort: options.port,
    grpcServerPort: options.port + 1,
    ...options.overrides,
  });
}

/**
 * Lets servers take TLS beside plain text, as they do by default. Each makes itself a certificate then,
 * which takes most of the time of its start.
 */
export const TLS_PERMISSIVE = "-Dtls.server.mode=permissive";

/** Options of the virtual machine: small, quick to start, writing only below `folder`. */
export function javaOptions(options: { folder: string; javaMajor: number }): string[] {
  const { folder, javaMajor } = options;
  const opened = ["java.nio", "sun.nio.ch", "jdk.internal.ref"];
  return [
    "-Xms128m",
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dtls.server.mode=disabled",
    `-Duser.home=${folder}`,
    `-Djava.io.tmpdir=${folder}/tmp`,
    ...(javaMajor < 9 ? [] : opened.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`)),
  ];
}

/** The files, by path below a server's folder, that make this folder its `ROCKETMQ_HOME`. */
export function homeFiles(config: ServerConfig): Record<string, string> {
  return {
    "conf/server.conf": formatConfig(config),
    // Releases before 5.0 do not start without them.
    "conf/logback_namesrv.xml": "<configuration/>\n",
    "conf/logback_broker.xml": "<configuration/>\n",
  };
}
