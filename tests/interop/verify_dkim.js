// Verifies the DKIM signature of the mail on standard input with mailauth. The DNS record of the key is the first
// argument; the result is one JSON line.
const { dkimVerify } = require("mailauth/lib/dkim/verify");

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", async () => {
  const found = await dkimVerify(Buffer.concat(chunks), { resolver: async () => [[process.argv[2]]] });
  const results = found.results.map((each) => ({
    result: each.status.result,
    domain: each.signingDomain,
    selector: each.selector,
    algorithm: each.algo,
    signed: each.signingHeaders ? each.signingHeaders.keys : "",
  }));
  process.stdout.write(JSON.stringify(results) + "\n");
});
