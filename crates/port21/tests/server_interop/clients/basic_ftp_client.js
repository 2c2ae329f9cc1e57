// Does one piece of work with basic-ftp.
const fs = require("fs")
const { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } = require("basic-ftp")
const [host, port, user, password, folder, protection, mode, restart, work, name] = process.argv.slice(1)

async function main() {
    const client = new Client(20000)
    client.prepareTransfer = mode === "Pasv" ? enterPassiveModeIPv4 : enterPassiveModeIPv6
    const prepare = client.prepareTransfer
    const secureOptions = { rejectUnauthorized: false }
    if (protection.startsWith("TLSv")) {
        secureOptions.minVersion = secureOptions.maxVersion = protection
    }
    const secure = protection === "clear" ? false : protection === "implicit" ? "implicit" : true
    await client.access({ host, port: Number(port), user, password, secure, secureOptions })
    client.prepareTransfer = prepare
    await client.cd(folder)
    switch (work) {
        case "get": await client.downloadTo(name, name); break
        case "put": await client.uploadFrom(name, name); break
        case "reget": await client.downloadTo(name, name, Number(restart)); break
        case "reput": await client.appendFrom(fs.createReadStream(name, { start: Number(restart) }), name); break
        case "rename": await client.rename("old.txt", "new.txt"); break
        case "delete": await client.remove("old.txt"); break
        case "mkdir": await client.ensureDir("made"); break
        case "mirrorDown": await client.downloadToDir("tree", "tree"); break
        case "mirrorUp": await client.uploadFromDir("tree", "tree"); break
        default: for (const entry of await client.list()) console.log(entry.name)
    }
    client.close()
}

main().catch(error => { console.error(error); process.exit(1) })
