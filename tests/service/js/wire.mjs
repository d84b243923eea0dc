// What goes over the wire: every request with its status, and the names of a stream's events, ids apart.

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export const wire = { requests: [], streams: [] };
const real = globalThis.fetch;

globalThis.fetch = async (input, options) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const method = options?.method ?? input.method ?? "GET";
  const answer = await real(input, options);
  wire.requests.push(`${method} ${url.pathname.replace(ID, "ID")} ${answer.status}`);
  if (answer.headers.get("content-type")?.startsWith("text/event-stream") && answer.body) {
    const names = [];
    wire.streams.push(names);
    const [own, theirs] = answer.body.tee();
    void read(own, names);
    return new Response(theirs, { status: answer.status, headers: answer.headers });
  }
  return answer;
};

// The requests and streams since the last call.
export function taken() {
  return { requests: wire.requests.splice(0), streams: wire.streams.splice(0) };
}

async function read(body, names) {
  let rest = "";
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("event:")) names.push(line.slice(6).trim().replace(ID, "ID"));
    }
  } catch {
    names.push("broken off"); // by the client: it left the page, or stopped
  }
}
