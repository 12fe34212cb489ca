// Verifies the DKIM signatures of emails with mailauth: JSON in ({record, name, emails in base64}), JSON out.
'use strict';

const { dkimVerify } = require('mailauth/lib/dkim/verify');

async function main() {
    const chunks = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    const { record, name, emails } = JSON.parse(Buffer.concat(chunks).toString());
    const resolver = async (asked, type) => {
        if (asked === name && type === 'TXT') return [[record]];
        throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    };
    const answers = [];
    for (const email of emails) {
        const { results } = await dkimVerify(Buffer.from(email, 'base64'), { resolver });
        answers.push(results.map((each) => ({
            result: each.status.result,
            algorithm: each.algo,
            signed: each.signingHeaders && each.signingHeaders.keys,
        })));
    }
    process.stdout.write(JSON.stringify(answers));
}

main();
