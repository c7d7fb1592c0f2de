import { runTestsAfter } from "./bundle.ts";

/** Tests of the sources by the part that they belong to. */
const TESTS = {
  tls: [
    "tests/transport/tcp_test.ts",
    "tests/transport/half_close_test.ts",
    "tests/transport/connect_test.ts",
    "tests/transport/tls_test.ts",
    "tests/transport/tls_client_certificate_test.ts",
    "tests/transport/tls_options_test.ts",
  ],
  conformance: ["tests/conformance/embedded_test.ts"],
} as const;

/** Tests that say something of Deno alone: here, of a dial that it can't abort. */
const OF_DENO = ["createTlsDialer() - a connection that comes too late is closed"];

/** The source of a program that runs the tests of a part. */
export function testsOf(part: keyof typeof TESTS): string {
  return runTestsAfter(TESTS[part], part === "tls" ? OF_DENO : []);
}
