// The baseline: the least that a Hono Worker can do and still be durable, one KV put per request. No signature, no checks.
import type { KVNamespace } from "@cloudflare/workers-types";
import { Hono } from "hono";

const app = new Hono<{ Bindings: { readonly PORTCULLIS_KV: KVNamespace } }>();

app.get("/", (context) => context.text("ok"));

app.post("/", async (context) => {
  const body = await context.req.text();
  await context.env.PORTCULLIS_KV.put(`lease:${crypto.randomUUID()}`, body, { metadata: { a: 1 }, expirationTtl: 14_400 });
  return context.json({ recorded: true }, 202);
});

/** Nothing at all but an answer: shows how fast the load generator can go. */
app.post("/empty", (context) => context.json({ recorded: false }, 202));

export default app;
