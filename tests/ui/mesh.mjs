// A real coordinator with the agents of a made-up mesh (sonde-page-mesh), for tests and the benchmark.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

export class Mesh {
  /** bin: the folder with sonde-coordinator and sonde-page-mesh. */
  constructor(bin, { sites, rate = 20, silent = 0, hours = 2, empty = false, well = false, mesh = null }) {
    this.bin = bin;
    this.mesh = mesh;
    this.words = ["--sites", sites, "--rate", rate, "--silent", silent, "--hours", hours, ...(empty ? ["--empty"] : []), ...(well ? ["--well"] : [])].map(String);
  }

  async start() {
    this.folder = mkdtempSync(join(tmpdir(), "sonde-page-"));
    const [control, http] = [await freePort(), await freePort()];
    this.base = `http://127.0.0.1:${http}/`;
    this.agents = spawn(join(this.bin, "sonde-page-mesh"), [this.folder, ...this.words, "--control", control, "--http", http].map(String),
      { stdio: ["ignore", "pipe", "inherit"] });
    this.said = "";
    await new Promise((resolve, reject) => {
      this.agents.stdout.on("data", (bytes) => {
        this.said += bytes;
        resolve();
      });
      this.agents.once("exit", () => reject(new Error("sonde-page-mesh ended")));
    });
    if (this.mesh) {
      const file = join(this.folder, "coordinator.yaml");
      writeFileSync(file, readFileSync(file, "utf8").replace(/^mesh: .*/, `mesh: ${this.mesh}`));
    }
    await this.startCoordinator();
    return this.base;
  }

  async startCoordinator() {
    const log = openSync(join(this.folder, "coordinator.log"), "a");
    this.coordinator = spawn(join(this.bin, "sonde-coordinator"), ["--config", join(this.folder, "coordinator.yaml")], { stdio: ["ignore", log, log] });
    for (let i = 0; i < 200; i += 1) {
      const ready = await fetch(`${this.base}readyz`).then((response) => response.ok, () => false);
      if (ready) return;
      if (this.coordinator.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the coordinator does not come up: ${readFileSync(join(this.folder, "coordinator.log"), "utf8").slice(-600)}`);
  }

  async stopCoordinator() {
    this.coordinator.kill("SIGTERM");
    await ended(this.coordinator);
  }

  /** Until what is of the past has arrived. */
  async settled(patience_ms = 90000) {
    const end = Date.now() + patience_ms;
    while (!this.said.includes("settled")) {
      if (Date.now() > end) throw new Error(`the made-up mesh did not settle within ${patience_ms / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** The last agent says nothing any more. */
  fallSilent() {
    this.agents.kill("SIGUSR1");
  }

  token() {
    return readFileSync(join(this.folder, "page.token"), "utf8").trim();
  }

  async stop() {
    for (const child of [this.coordinator, this.agents]) child?.kill("SIGTERM");
    for (const child of [this.coordinator, this.agents]) if (child) await ended(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
