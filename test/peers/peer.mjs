// A plain node server with helmet() and cors(). It asks itself each request of
// the first argument, and prints the status and the fields that the two packages
// set, with the values that arrived, as JSON.
import http from "node:http";
import cors from "cors";
import helmet from "helmet";

const { origin, requests } = JSON.parse(process.argv[2]);
const protect = helmet();
const share = cors({ origin: [origin], credentials: true });
let names = [];

const server = http.createServer((req, res) => {
  res.on("finish", () => {
    if (!res.reached) names = res.getHeaderNames(); // cors ended a preflight
  });
  const step = (next) => (err) => {
    if (err) throw err;
    next();
  };
  const answer = () => {
    res.reached = true;
    names = res.getHeaderNames();
    const known = req.url === "/" || req.url === "/api/days";
    res.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
    res.end(known ? "{}" : '{"error":"not found"}');
  };
  protect(req, res, step(() => share(req, res, step(answer))));
});

function ask({ name, method, path, headers }) {
  return new Promise((resolve, reject) => {
    const { port } = server.address();
    const req = http.request({ host: "127.0.0.1", port, method, path, headers }, (res) => {
      res.resume();
      res.on("end", () => {
        const fields = {};
        for (const n of names) fields[n] = res.headersDistinct[n] ?? [];
        resolve({ name, status: res.statusCode, fields });
      });
    });
    req.on("error", reject);
    req.end();
  });
}

server.listen(0, "127.0.0.1", async () => {
  const answers = [];
  for (const r of requests) answers.push(await ask(r));
  console.log(JSON.stringify(answers));
  server.close();
});
