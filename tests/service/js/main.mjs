// node main.mjs CLIENT URL GATE: plays a client's script against a server and prints what it saw as JSON.
// CLIENT: 1.8 or 1.15, the classic hook of that SDK, or events. GATE: a file that is not there yet.

import * as classic from "./classic.mjs";
import * as events from "./events.mjs";

const [client, url, gate] = process.argv.slice(2);
const told = client === "events" ? await events.play(url, gate) : await classic.play(client, url, gate);
process.stdout.write(JSON.stringify(told), () => process.exit(0)); // the clients' streams are still open
