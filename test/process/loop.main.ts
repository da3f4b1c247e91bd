import { Cluster } from "./cluster";
import { prepareTable, verdict, Writer, outageMs } from "./writers";
import { waitFor } from "./mysqld";
(async () => {
  const c = await Cluster.start();
  try {
    await c.settled(); await c.putIntent({ initialised: true }); await prepareTable(c);
    for (let n = 0; n < 14; n++) {
      const p = await c.settled(); const { term } = await p.status();
      const w = [1,2,3].map((i) => new Writer(c, `r${n}-${i}`));
      await waitFor("writes", () => w.every((x) => x.acks.length > 10), 20000);
      const since = performance.now();
      await p.terminate();
      await waitFor("other", async () => (await c.endpoint())?.instance !== p.name, 20000);
      const at = w.map((x) => x.acks.length);
      await waitFor("writes2", () => w.every((x, i) => x.acks.length > at[i]! + 5), 20000);
      await p.start();
      const next = await c.settled({ above: term });
      await Promise.all(w.map((x) => x.stop()));
      const v = await verdict(c, next, w);
      console.log(n, p.name, "->", next.name, outageMs(w, since), "acks", w.reduce((s, x) => s + x.acks.length, 0), JSON.stringify(v));
      if (Object.values(v.lost).some((x) => x > 0) || v.divergent.length) { console.log("KEEP", c.directory); process.env["KEEP"] = "1"; break; }
    }
  } catch (e) { console.log(String(e).slice(0, 3000)); }
  finally { await c.close(); }
})();
