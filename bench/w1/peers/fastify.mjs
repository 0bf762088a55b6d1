// The workload in Fastify, with its own plugins, compiled schemas and its log.
// PORT, JWT_SECRET, DATABASE_URL and LOG come from the environment.
import cookie from "@fastify/cookie";
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import jwt from "@fastify/jwt";
import rateLimit from "@fastify/rate-limit";
import fastify from "fastify";
import { bookSlot, listDays } from "./store.mjs";

const { PORT, JWT_SECRET, LOG } = process.env;
const app = fastify({ logger: { file: LOG }, bodyLimit: 100 << 10 });
await app.register(helmet);
await app.register(cors, { origin: "https://app.example.com", credentials: true });
await app.register(rateLimit, { max: 1e9, timeWindow: "15 minutes" });
await app.register(cookie);
await app.register(jwt, { secret: JWT_SECRET, verify: { algorithms: ["HS256"], allowedIss: "https://bench.local", allowedAud: "bench" } });

const only = (...roles) => async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch {
    return reply.code(401).send({ error: "Unauthorized" });
  }
  if (!roles.includes(request.user.role)) return reply.code(403).send({ error: "Forbidden" });
};
const closed = (properties) => ({ type: "object", additionalProperties: false, required: Object.keys(properties), properties });
const [integer, integers] = [{ type: "integer" }, { type: "array", items: { type: "integer" } }];
const day = closed({ id: integer, name: { type: "string" }, appointments: integers, interviewers: integers, spots: integer });
const interview = closed({ student: { type: "string", minLength: 1, maxLength: 255 }, interviewer: { type: "integer", minimum: 1 } });

app.get("/health", async () => ({ status: "ok" }));
app.get("/api/days", { onRequest: only("admin", "user"), schema: { response: { 200: { type: "array", items: day } } } }, listDays);
app.put("/api/appointments/:id", { onRequest: only("admin"), schema: { params: closed({ id: integer }), body: closed({ interview }) } },
  async (request, reply) => {
    await bookSlot(request.params.id, request.body.interview);
    return reply.code(204).send();
  });
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
