// Common Access Tokens by the npm packages @eyevinn/cat (MACs) and cose-js (ES256). A job in JSON stands on standard
// input; what they make of it is one JSON line.

// In JavaScript alone, the same on every platform: package.json holds the native part to a version without binaries of
// its own for each platform, which not every registry has.
process.env.CBOR_NATIVE_ACCELERATION_DISABLED = "true";
const { CAT } = require("@eyevinn/cat");
const cose = require("cose-js");

const jobs = {
  generate: ({ kid, secret, claims }) =>
    new CAT({ keys: { [kid]: Buffer.from(secret, "hex") }, expectCwtTag: true }).generateFromJson(claims, {
      type: "mac",
      alg: "HS256",
      kid,
    }),
  validate: async ({ kid, secret, token, issuer, audience, url }) => {
    const cat = new CAT({ keys: { [kid]: Buffer.from(secret, "hex") }, expectCwtTag: true });
    const found = await cat.validate(token, "mac", { issuer, audience: [audience], url: new URL(url) });
    return found.error ? { error: found.error.name } : { claims: found.cat.claims };
  },
  sign: ({ kid, d, payload }) =>
    cose.sign
      .create({ p: { alg: "ES256" }, u: { kid } }, Buffer.from(payload, "hex"), { key: { d: Buffer.from(d, "hex") } })
      .then((message) => message.toString("hex")),
  verify: ({ x, y, message }) =>
    cose.sign
      .verify(Buffer.from(message, "hex"), { key: { x: Buffer.from(x, "hex"), y: Buffer.from(y, "hex") } })
      .then((payload) => payload.toString("hex")),
};

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", async () => {
  const job = JSON.parse(Buffer.concat(chunks).toString());
  const result = await jobs[job.do](job).catch((error) => ({ error: error.message || error.name }));
  process.stdout.write(JSON.stringify(result) + "\n");
});
