package console

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sbc/signaling"
)

var update = flag.Bool("update", false, "write what the reports are now to testdata")

var someCall = signaling.CallReport{
	CallInfo: signaling.CallInfo{
		ID: "k7f3qd", State: "talking", From: "pbx", To: "itsp", Caller: "100", Callee: "+4930123456", Age: 75.5, Answered: 71.2, Route: "sbc.hcl:51",
	},
	Live: true,
	Ladder: []signaling.LadderEntry{
		{At: 0, Kind: "in", Leg: "a", Label: "INVITE"},
		{At: 0, Kind: "rule", Leg: "a", Label: "route out", Rule: "sbc.hcl:51"},
		{At: 0.0004, Kind: "out", Leg: "b", Label: "INVITE", Changes: []signaling.ChangeInfo{
			{Field: "Via", Before: "Via: SIP/2.0/UDP 192.168.1.10\r\n", After: "Via: SIP/2.0/UDP 198.51.100.2\r\n", Why: "our own path (RFC 3261 section 18.1.1)"},
			{Field: "Organization", Before: "Organization: Office\r\n", Why: "names the far side (RFC 3261 section 20.25)"},
			{Field: "X-Trunk", After: "X-Trunk: 7\r\n", Why: "sbc.hcl:20"},
		}},
		{At: 0.0312, Kind: "in", Leg: "b", Label: "183 Session\x1b[31m Progress"},
		{At: 0.0312, Kind: "leak", Leg: "a", Label: "Warning: media address of leg b"},
		{At: 0.0313, Kind: "out", Leg: "a", Label: "183 Session Progress"},
		{At: 4.3, Kind: "in", Leg: "b", Label: "200 OK"},
		{At: 4.3, Kind: "out", Leg: "a", Label: "200 OK"},
		{At: 75, Kind: "end", Label: "bye_a"},
	},
	Media: []signaling.MediaInfo{{Kind: "audio", Sides: [2]signaling.MediaSide{
		{Local: "192.168.1.2:20000", Remote: "192.168.1.10:4000", Direction: "sendrecv", Packets: 3560, Lost: 2, Jitter: 0.000375, Silent: 0.012},
		{Local: "198.51.100.2:20000", Silent: -1, Drops: map[string]uint64{"wrong_source": 3, "held": 1}},
	}}},
	Ledger: signaling.CallLedger{Ports: 2, Timers: 2, Transactions: 1, Slots: 2},
}

var someTry = signaling.TryReport{
	OK: true, Request: "INVITE sip:0301\x1b[31m@192.168.1.1 SIP/2.0\r\nVia: x\r\n\r\n", Emergency: true,
	Source: signaling.TrySource{Source: "192.168.1.10:5060", Realm: "inside", Listener: "udp 192.168.1.1:5060", By: "source", Peer: "pbx", Rule: "sbc.hcl:39", Prefix: "192.168.1.10/32", Resolved: true},
	Routes: []signaling.TryRoute{
		{Name: "gold", Rule: "sbc.hcl:44", Missed: "field", Field: "X-Account", Want: "^gold$", Have: "silver"},
		{Name: "account", Rule: "sbc.hcl:45", Missed: "field", Field: "X-Other", Want: "^gold$", Absent: true},
		{Name: "texts", Rule: "sbc.hcl:46", Missed: "method", Want: "MESSAGE, OPTIONS", Have: "INVITE"},
		{Name: "short", Rule: "sbc.hcl:47", Missed: "user", Want: "^1", Have: "0301"},
		{Name: "out", Rule: "sbc.hcl:51", Hit: true},
		{Name: "rest", Rule: "sbc.hcl:58", Missed: "not_tried"},
	},
	Number: &signaling.TryNumber{Before: "0301", After: "+49301", Rule: "sbc.hcl:51"},
	Targets: []signaling.TryTarget{
		{Peer: "itsp", Address: "198.51.100.10:5060", Listener: "udp 198.51.100.2:5060", Problem: `no room: see peer "itsp"`},
		{Peer: "third", Problem: "its name is not resolved"},
		{Peer: "second", Address: "198.51.100.11:5060", Listener: "udp 198.51.100.2:5060", Taken: true},
	},
	Limits: []signaling.TryLimit{
		{Of: "all", Calls: 31, Most: 100},
		{Of: `peer "itsp"`, Rule: "sbc.hcl:36", Calls: 30, Most: 30, Lines: 30, Kbits: 3000, KbitsMost: 9000, Full: "calls"},
		{Of: `peer "second"`, Rule: "sbc.hcl:38", Calls: 1, Most: 2, Lines: 1, Kbits: 100, Every: 0.2, Wait: 0.15, Full: "rate"},
	},
	Leaks: []string{"Warning: media address of leg b"},
	Sent: &signaling.TrySent{Peer: "second", To: "198.51.100.11:5060", Listener: "udp 198.51.100.2:5060", Octets: 74, Message: "INVITE sip:+49301@198.51.100.11 SIP/2.0\r\nContent-Length: 0\r\n\r\n",
		Changes: someCall.Ladder[2].Changes},
}

var refusedTry = signaling.TryReport{
	Request: "INVITE sip:tok@192.168.1.1 SIP/2.0\r\n\r\n", ContactOf: "sip:100@voice.example",
	Source: signaling.TrySource{Source: "203.0.113.9:5060", Realm: "outside", Listener: "tcp 198.51.100.2:5060", By: "registration", Peer: "phones", Rule: "sbc.hcl:70", Banned: "until 2026-11-21T22:00:00Z: by hand",
		Challenge: &signaling.TryChallenge{Domain: "voice.example", Rule: "sbc.hcl:71", Proven: true, User: "100"}},
	Number:  &signaling.TryNumber{Before: "4711", After: "4711"},
	Refusal: &signaling.RefusalInfo{Status: 404, Cause: "no_route", Rule: "sbc.hcl:22", Why: "none of the 2 routes matches", Remedy: "a route"},
}

// What an operator sees, to be read in the files below testdata.
func TestReports(t *testing.T) {
	ended := someCall
	ended.Live, ended.Cause, ended.State, ended.Ledger = false, "bye_a", "ended", signaling.CallLedger{}
	forgotten := signaling.CallReport{CallInfo: signaling.CallInfo{ID: "k7f3qd", State: "ended"}}
	status := signaling.Status{
		Version: "1.0", Uptime: 93784, Calls: 1, Attempts: 7, Answered: 5, Leaks: 2,
		Realms:   []signaling.RealmStatus{{Name: "outside", Listen: []string{"udp 198.51.100.2:5060", "tcp 198.51.100.2:5060"}, Connections: signaling.Connections{Open: 3}, Public: []string{"signaling: 203.0.113.7 (PCP router 198.51.100.1), since 2h3m"}, Ports: 5000, InUse: 1, Resting: 2}, {Name: "büro", Ports: 10}},
		Peers:    []signaling.PeerStatus{{Name: "itsp", Realm: "outside", Target: "sip.itsp.example", Limit: 30}, {Name: "pbx", Realm: "büro", Target: "192.168.1.10", Address: []string{"192.168.1.10"}, Calls: 1}, {Name: "phones", Realm: "outside"}},
		Bindings: []signaling.BindingCount{{Endpoints: "phones", Reachable: 1998, Unreachable: 2}},
		Shards:   []signaling.ShardStatus{{Calls: 1, Transactions: 4, Timers: 3, Lag: 0.00012, Queue: 1, Dropped: 9}},
		Rejects:  map[string]int{"stranger": 12, "ports": 1},
	}
	uneven := status
	uneven.Ledger, uneven.Rejects = signaling.Ledger{Ports: -2, Timers: 1}, nil
	for name, write := range map[string]func(io.Writer) error{
		"call":           func(w io.Writer) error { return WriteCall(w, someCall) },
		"call_ended":     func(w io.Writer) error { return WriteCall(w, ended) },
		"call_forgotten": func(w io.Writer) error { return WriteCall(w, forgotten) },
		"ladder":         func(w io.Writer) error { return WriteLadder(w, someCall) },
		"status":         func(w io.Writer) error { return WriteStatus(w, status) },
		"status_rest":    func(w io.Writer) error { return WriteStatus(w, uneven) },
		"registrations": func(w io.Writer) error {
			return WriteRegistrations(w, []signaling.RegistrationInfo{
				{Endpoints: "phones", AOR: "sip:100@voice.example", Contact: "sip:100@10.0.0.5:5060", State: "reachable", NAT: "address+port", Flow: "UDP 198.51.100.9:31022", Age: 93784, Here: 41.4, There: 1700, Interval: 25},
				{Endpoints: "phones", AOR: "sip:\x1b[2J@voice.example", Contact: "sip:x@10.0.0.6", State: "unreachable", NAT: "none", Flow: "TCP 198.51.100.10:40001 (gone)", Age: 60, There: 900},
			})
		},
		"refusals": func(w io.Writer) error {
			at := time.Date(2026, 11, 21, 18, 44, 20, 0, time.UTC)
			return WriteRefusals(w, []signaling.RefusalInfo{
				{At: at, Times: 1, Method: "INVITE", Source: "198.51.100.5:5060", Realm: "outside", Peer: "itsp", From: "030123", To: "4711", Status: 404, Cause: "no_route", Rule: "sbc.hcl:22",
					Why: "none of the 2 routes from peer itsp matches; the last is in", Remedy: "a route from itsp whose match fits 4711"},
				{At: at, Times: 1200, Source: "203.0.113.9:40123", Realm: "outside", Cause: "not_sip", Why: "the message cannot be read: at octet 0 there should be SIP, not HTTP", Remedy: "another sender"},
				{At: at, Times: 1, Call: "k7f3qd", Method: "INVITE", Source: "192.168.1.10:5060", Realm: "inside", Peer: "pbx", From: "\x1b[2J", Status: 486, By: "itsp", Cause: "answer", Rule: "sbc.hcl:40",
					Why: "it was sent there, and itsp answered so", Remedy: "nothing is wrong with the border"},
			})
		},
		"try":                func(w io.Writer) error { return WriteTry(w, someTry) },
		"try_refused":        func(w io.Writer) error { return WriteTry(w, refusedTry) },
		"refusals_none":      func(w io.Writer) error { return WriteRefusals(w, nil) },
		"registrations_none": func(w io.Writer) error { return WriteRegistrations(w, nil) },
		"calls_none":         func(w io.Writer) error { return WriteCalls(w, nil) },
		"calls": func(w io.Writer) error {
			return WriteCalls(w, []signaling.CallInfo{{ID: "young", State: "ringing", From: "itsp", Caller: "\u202eevil", Age: 1}, someCall.CallInfo})
		},
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\r\u202e") {
			t.Errorf("%s: something is not escaped: %q", name, b.String())
		}
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s is now:\n%s\nwant:\n%s", name, b.Bytes(), want)
		}
	}
	if len(someCall.Ladder[2].Changes) != 3 {
		t.Error("a report changed what it was given")
	}
}
