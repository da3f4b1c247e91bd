/** When an EndpointSlice changed, as a watcher of the API server learns it: what kube-proxy learns, at that moment. */
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { paths } from "../../sandbox/config";

interface Slice {
  readonly endpoints?: readonly { readonly addresses?: readonly string[] }[] | null;
}

export interface Sighting {
  /** Epoch, ms. */
  readonly at: number;
  readonly addresses: readonly string[];
}

/** Follows one slice until it is closed; after a broken watch a new one follows. */
export class SliceWatch {
  private readonly seen: Sighting[] = [];
  private abort: AbortController | undefined;
  private closed = false;

  constructor(
    private readonly namespace: string,
    private readonly name: string,
  ) {
    void this.follow();
  }

  /** The first sighting of an address after a moment, if there was one. */
  firstOf(address: string, since: number): Sighting | undefined {
    return this.seen.find(({ at, addresses }) => at >= since && addresses.includes(address));
  }

  close(): void {
    this.closed = true;
    this.abort?.abort();
  }

  private async follow(): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(paths().kubeconfig);
    while (!this.closed) {
      await this.once(new Watch(config)).catch(() => undefined);
      await new Promise((wake) => setTimeout(wake, 200));
    }
  }

  private async once(watch: Watch): Promise<void> {
    const path = `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices`;
    const query = { fieldSelector: `metadata.name=${this.name}` };
    await new Promise<void>((done, fail) => {
      const onEvent = (_type: string, object: unknown): void => this.note(object as Slice);
      watch.watch(path, query, onEvent, () => done()).then((abort) => (this.abort = abort), fail);
    });
  }

  private note({ endpoints }: Slice): void {
    this.seen.push({
      at: Date.now(),
      addresses: (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
    });
    if (this.seen.length > 1000) this.seen.splice(0, 500);
  }
}
