-- Requests of the workload for wrk: METHOD, TOKEN and SLOTS come from the environment.
local method, token, slots = os.getenv("METHOD"), os.getenv("TOKEN"), tonumber(os.getenv("SLOTS"))
local body = '{"interview":{"student":"Lydia Miller-Jones","interviewer":3}}'
local next = 0

function init()
  wrk.headers["Authorization"] = "Bearer " .. token
  next = math.random(slots)
end

function request()
  if method == "GET" then return wrk.format("GET", "/api/days") end
  next = next % slots + 1
  return wrk.format("PUT", "/api/appointments/" .. next, { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" }, body)
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("DONE %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), bad))
end
