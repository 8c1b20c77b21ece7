// A user agent of JsSIP, in Node in the place of a browser: it is told what to do
// by lines on its standard input, and tells what happens by lines on its standard
// output, both JSON.
//
// Node has no WebRTC. Where a browser has RTCPeerConnection there is one here that
// says plain RTP/AVP with PCMA, and sends back whatever it hears.
'use strict';

const dgram = require('node:dgram');
const fs = require('node:fs');
const readline = require('node:readline');
const WebSocket = require('ws');

const o = JSON.parse(process.argv[2]); // url, user, domain, password, origin, ca, address

function tell(is, more) {
  process.stdout.write(JSON.stringify({ is, ...more }) + '\n');
}

// As a browser has it: the page's origin goes with it, and nobody can choose it.
globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { origin: o.origin || undefined, ca: o.ca ? fs.readFileSync(o.ca) : undefined });
    this.on('unexpected-response', (request, response) => {
      tell('refused', { status: response.statusCode });
      request.destroy();
      this.emit('error', new Error('refused'));
      this.emit('close', 1006, Buffer.from(''));
    });
  }

  set onmessage(f) {
    super.onmessage = (e) => {
      tell('message', { text: Buffer.from(e.data).toString() });
      f(e);
    };
  }
};

let nextPort = 42000;

class Peer extends EventTarget {
  constructor() {
    super();
    this.iceGatheringState = 'complete';
    this.iceConnectionState = 'connected';
    this.signalingState = 'stable';
    this.port = nextPort;
    nextPort += 2;
    this.heard = 0;
    this.sockets = [];
    this.version = 0;
  }

  bind(port) {
    return new Promise((done, failed) => {
      const s = dgram.createSocket('udp4');
      s.on('error', failed);
      s.bind(port, o.address, () => done(s));
      this.sockets.push(s);
    });
  }

  async describe(type) {
    if (this.sockets.length === 0) {
      const rtp = await this.bind(this.port);
      await this.bind(this.port + 1); // of RTCP, which nobody reads
      rtp.on('message', (packet) => {
        this.heard++;
        if (this.to) {
          rtp.send(packet, this.to.port, this.to.address);
        }
        if (this.heard === 50) {
          tell('heard', { packets: this.heard });
        }
      });
    }
    this.version++;
    const sdp = ['v=0', `o=- ${this.port} ${this.version} IN IP4 ${o.address}`, 's=-', `c=IN IP4 ${o.address}`, 't=0 0',
      `m=audio ${this.port} RTP/AVP 8`, 'a=rtpmap:8 PCMA/8000', 'a=sendrecv', ''].join('\r\n');
    return { type, sdp };
  }

  createOffer() { return this.describe('offer'); }

  createAnswer() { return this.describe('answer'); }

  async setLocalDescription(d) { this.localDescription = d; }

  async setRemoteDescription(d) {
    this.remoteDescription = d;
    this.to = { address: /^c=IN IP4 (\S+)/m.exec(d.sdp)[1], port: Number(/^m=audio (\d+)/m.exec(d.sdp)[1]) };
  }

  addTrack() {}

  getSenders() { return []; }

  close() {
    this.signalingState = 'closed';
    this.sockets.forEach((s) => s.close());
    this.sockets = [];
  }
}

globalThis.window = globalThis;
globalThis.RTCPeerConnection = Peer;
globalThis.RTCSessionDescription = class { constructor(d) { Object.assign(this, d); } };
Object.defineProperty(globalThis, 'navigator', {
  configurable: true,
  value: { mediaDevices: { getUserMedia: async () => ({ getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] }) } },
});

const JsSIP = require('jssip');

const ua = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(o.url)],
  uri: `sip:${o.user}@${o.domain}`,
  password: o.password,
  register: false,
  session_timers: false,
});

let session;
let react = 'answer';

ua.on('connected', () => tell('connected'));
ua.on('disconnected', () => tell('disconnected'));
ua.on('registered', () => tell('registered', { names: [ua.configuration.via_host, ua.configuration.instance_id, ua.contact.uri.user] }));
ua.on('unregistered', () => tell('unregistered'));
ua.on('registrationFailed', (e) => tell('failed', { status: e.response ? e.response.status_code : 0 }));
ua.on('newRTCSession', (e) => {
  session = e.session;
  session.on('accepted', () => tell('accepted'));
  session.on('confirmed', () => tell('confirmed'));
  session.on('ended', (end) => tell('ended', { originator: end.originator, cause: end.cause }));
  session.on('failed', (end) => tell('ended', { originator: end.originator, cause: end.cause, status: end.message ? end.message.status_code : 0 }));
  if (e.originator === 'remote') {
    tell('incoming', { from: e.request.from.uri.toString() });
    if (react === 'answer') {
      session.answer({ mediaConstraints: { audio: true, video: false } });
    } else {
      session.terminate({ status_code: 486 });
    }
  }
});

const verbs = {
  start: () => ua.start(),
  register: () => ua.register(),
  unregister: () => ua.unregister(),
  react: (c) => {
    react = c.how;
    tell('reacts');
  },
  call: (c) => ua.call(`sip:${c.to}@${o.domain}`, { mediaConstraints: { audio: true, video: false } }),
  hangup: () => session.terminate(),
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const c = JSON.parse(line);
  verbs[c.do](c);
});
tell('ready');
