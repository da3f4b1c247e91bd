/** The unix socket the agent connects to. One agent at a time: the newest connection counts. */
import { createServer, type Server, type Socket } from "node:net";
import { rmSync } from "node:fs";
import { lineSplitter, type FromSupervisor, type ToSupervisor } from "./protocol";

export class Link {
  private peer: Socket | undefined;
  private readonly server: Server;

  constructor(
    path: string,
    private readonly onMessage: (message: ToSupervisor) => void,
    private readonly onConnect: () => void,
  ) {
    rmSync(path, { force: true });
    this.server = createServer((socket) => this.accept(socket));
    this.server.listen(path);
  }

  /** Calls back when an agent can connect. */
  onListening(callback: () => void): void {
    this.server.once("listening", callback);
  }

  send(message: FromSupervisor): void {
    this.peer?.write(`${JSON.stringify(message)}\n`);
  }

  close(): void {
    this.peer?.destroy();
    this.server.close();
  }

  private accept(socket: Socket): void {
    this.peer?.destroy(); // An older agent must not command any more.
    this.peer = socket;
    const split = lineSplitter();
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      if (this.peer !== socket) return;
      try {
        // The only writer is our own agent of the same release; its lines are trusted to be of the protocol.
        for (const line of split(chunk)) this.onMessage(JSON.parse(line) as ToSupervisor);
      } catch {
        socket.destroy();
      }
    });
    socket.on("close", () => {
      if (this.peer === socket) this.peer = undefined;
    });
    socket.on("error", () => undefined);
    this.onConnect();
  }
}
