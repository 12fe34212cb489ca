// An SMSC by the npm package smpp. Prints a JSON line when it listens, and one for each text, put together from its
// parts. The first argument is how many submits it throttles first. Each text that asks for a receipt gets one.
const smpp = require("smpp");

let throttled = Number(process.argv[2] || "0");
let count = 0;
const unfinished = new Map();
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function takePart(pdu) {
  const { message, udh } = pdu.short_message;
  if (!udh) return message;
  const info = udh[0] instanceof Buffer ? udh[0] : udh;
  const [reference, total, number] = [info.readUInt16BE(2), info[4], info[5]];
  const parts = unfinished.get(reference) || new Map();
  parts.set(number, message);
  unfinished.set(reference, parts);
  if (parts.size < total) return null;
  unfinished.delete(reference);
  return [...parts.keys()].sort((a, b) => a - b).map((key) => parts.get(key)).join("");
}

function sendReceipt(session, pdu, id) {
  session.deliver_sm({
    esm_class: 0x04,
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:3001010000 done date:3001010000 stat:DELIVRD err:000 text:`,
  });
}

const server = smpp.createServer((session) => {
  session.on("error", () => {});
  const bind = (pdu) => {
    say({ event: "bind", command: pdu.command, system_id: pdu.system_id });
    session.send(pdu.response());
  };
  session.on("bind_transceiver", bind);
  session.on("bind_transmitter", bind);
  session.on("unbind", (pdu) => session.send(pdu.response()));
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("submit_sm", (pdu) => {
    if (throttled > 0) {
      throttled -= 1;
      session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
      return;
    }
    count += 1;
    const id = count.toString(16).padStart(8, "0").toUpperCase();
    session.send(pdu.response({ message_id: id }));
    const text = takePart(pdu);
    if (text !== null) {
      say({ event: "text", to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding, text });
    }
    if (pdu.registered_delivery & 1) sendReceipt(session, pdu, id);
  });
});
server.listen(0, "127.0.0.1", () => say({ event: "listening", port: server.address().port }));
