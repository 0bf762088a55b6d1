// The workload in Express, with the middleware that guides to securing an API
// put around it. PORT, JWT_SECRET, DATABASE_URL and LOG come from the environment.
import { createSecretKey } from "node:crypto";
import { createWriteStream } from "node:fs";
import cors from "cors";
import express from "express";
import { rateLimit } from "express-rate-limit";
import helmet from "helmet";
import jwt from "jsonwebtoken";
import morgan from "morgan";
import { z } from "zod";
import { bookSlot, listDays } from "./store.mjs";

const { PORT, JWT_SECRET, LOG } = process.env;
const key = createSecretKey(Buffer.from(JWT_SECRET));
const booking = z.strictObject({
  interview: z.strictObject({ student: z.string().trim().min(1).max(255), interviewer: z.number().int().positive() }),
});

const app = express();
app.use(helmet());
app.use(cors({ origin: "https://app.example.com", credentials: true }));
app.use(rateLimit({ windowMs: 15 * 60_000, limit: 1e9, standardHeaders: "draft-8", legacyHeaders: false }));
app.use(morgan("combined", { stream: createWriteStream(LOG, { flags: "a" }) }));
app.use(express.json({ limit: "100kb" }));

const refuse = (res, status, error) => res.status(status).json({ error });
const only = (...roles) => (req, res, next) => {
  const [scheme, token] = (req.headers.authorization ?? "").split(" ");
  if (scheme !== "Bearer" || !token) return refuse(res, 401, "Unauthorized");
  try {
    req.user = jwt.verify(token, key, { algorithms: ["HS256"], issuer: "https://bench.local", audience: "bench" });
  } catch {
    return refuse(res, 401, "Unauthorized");
  }
  return roles.includes(req.user.role) ? next() : refuse(res, 403, "Forbidden");
};

app.get("/health", (req, res) => res.json({ status: "ok" }));
app.get("/api/days", only("admin", "user"), async (req, res) => res.json(await listDays()));
app.put("/api/appointments/:id", only("admin"), async (req, res) => {
  const slot = Number(req.params.id);
  const body = booking.safeParse(req.body);
  if (!Number.isInteger(slot) || !body.success) return refuse(res, 400, "Validation Error");
  await bookSlot(slot, body.data.interview);
  res.status(204).end();
});
app.use((error, req, res, next) => refuse(res, error.status ?? 500, "Something went wrong"));
app.listen(Number(PORT), "127.0.0.1");
