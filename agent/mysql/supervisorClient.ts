/** The agent's end of the supervisor's socket. Losing it is the end of the agent: it can no longer fence. */
import { createConnection, type Socket } from "node:net";
import {
  lineSplitter,
  type Exit,
  type FromSupervisor,
  type Request,
  type SupervisorState,
  type ToSupervisor,
} from "../supervisor/protocol";

export interface SupervisorListener {
  onExit(exit: Exit): void;
  onShutdown(limitMs: number): void;
  /** The supervisor is gone. */
  onLost(error: Error): void;
}

interface Pending {
  resolve(state: SupervisorState): void;
  reject(error: Error): void;
}

export class SupervisorClient {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private readonly socket: Socket;
  private readonly connected: Promise<void>;

  constructor(
    path: string,
    private readonly listener: SupervisorListener,
  ) {
    this.socket = createConnection(path);
    this.connected = new Promise((resolve, reject) => {
      this.socket.once("connect", resolve);
      this.socket.once("error", reject);
    });
    this.connected.catch(() => undefined); // Reported by onLost and by each request.
    const split = lineSplitter();
    this.socket.setEncoding("utf8");
    this.socket.on("data", (chunk: string) => {
      // The only writer is our own supervisor of the same release.
      for (const line of split(chunk)) this.onMessage(JSON.parse(line) as FromSupervisor);
    });
    this.socket.on("error", (error) => this.lost(error));
    this.socket.on("close", () => this.lost(new Error("the supervisor closed its socket")));
  }

  /** @throws Error with the supervisor's reason. */
  async request(request: Request): Promise<SupervisorState> {
    await this.connected;
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.write({ ...request, id });
    });
  }

  beat(forMs: number): void {
    this.write({ do: "beat", forMs });
  }

  close(): void {
    this.socket.removeAllListeners("close");
    this.socket.destroy();
  }

  private write(message: ToSupervisor): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  private onMessage(message: FromSupervisor): void {
    if ("notice" in message) {
      if (message.notice === "exit") this.listener.onExit(message.exit);
      else this.listener.onShutdown(message.limitMs);
      return;
    }
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.ok) pending?.resolve(message.state);
    else pending?.reject(new Error(message.error));
  }

  private lost(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    this.listener.onLost(error);
  }
}
