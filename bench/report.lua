-- wrk's script: each line of a file is a report, "token <tab> body"; each answer must be 201 and stand at handling.
-- wrk ... -s report.lua ADDRESS -- FILE [PAUSE_MS]; the last line of its output is JSON, latencies in microseconds.

local threads, reports, sent = {}, {}, 0
good, bad, first_bad = 0, 0, ""

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(args[1]) do
    local token, body = line:match("^(%w+)\t(.*)$")
    local headers = {["X-Session-Token"] = token, ["Content-Type"] = "application/json"}
    reports[#reports + 1] = wrk.format("POST", "/api/mobile/v1/cases", headers, body)
  end
  local pause = tonumber(args[2] or "0")
  if pause > 0 then
    function delay() return pause end
  end
end

function request()
  sent = sent + 1
  return reports[sent] or reports[1]  -- past the end: a report that is not new fails the run
end

function response(status, headers, body)
  if status == 201 and body:find('"stage":%s*{"code":%s*"handling"') then
    good = good + 1
  else
    bad = bad + 1
    if bad == 1 then first_bad = status .. " " .. body:sub(1, 300) end
  end
end

function done(summary, latency)
  local all_good, all_bad = 0, 0
  for _, thread in ipairs(threads) do
    all_good, all_bad = all_good + thread:get("good"), all_bad + thread:get("bad")
    if thread:get("bad") > 0 then io.stderr:write("first failure: ", thread:get("first_bad"), "\n") end
  end
  local errors = summary.errors
  all_bad = all_bad + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('{"good": %d, "bad": %d, "seconds": %f, "p50": %d, "p95": %d, "p99": %d}\n',
    all_good, all_bad, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
