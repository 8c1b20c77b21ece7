package ua

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a phone, or somebody between, does wrong is told by the registrar.
func TestRegistrarViolations(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "Contact", "Contact", ""},
		{"user in the Request-URI", "REGISTER sip:pbx.example", "REGISTER sip:a@pbx.example", "a Request-URI with a user"},
		{"another domain", "REGISTER sip:pbx.example", "REGISTER sip:192.0.2.2", "not our domain"},
		{"no user", "To: <sip:a@", "To: <sip:", "a To without a user"},
		{"a third party", "From: <sip:a@", "From: <sip:z@", "a From that is not the To"},
		{"a dialog", "To: <sip:a@pbx.example>", "To: <sip:a@pbx.example>;tag=x", "a To with a tag"},
		{"Record-Route", "Contact", "Record-Route: <sip:192.0.2.9;lr>\r\nContact", "a Record-Route"},
		{"realm", "realm=\"pbx\"", "realm=\"sbc\"", "for realm \"sbc\""},
		{"uri", "uri=\"sip:pbx.example\"", "uri=\"sip:192.0.2.2\"", "for uri"},
		{"opaque", "opaque=\"op", "opaque=\"up", "opaque"},
		{"qop", "qop=auth", "qop=auth-int", "qop"},
		{"nc", "nc=00000001", "nc=1", "nc \"1\""},
		{"expires", "Contact: <sip:a@10.0.0.1:5060>", "Contact: <sip:a@10.0.0.1:5060>;expires=x", "expires of a Contact"},
		{"star", "Contact: <sip:a@10.0.0.1:5060>", "Contact: *", "* without Expires: 0"},
		{"star and more", "Contact: <", "Contact: *\r\nContact: <", "* beside"},
		{"Path", "Contact: <", "Path: <sip:x\r\nContact: <", "unreadable Path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := registering(t, nil, nil)
			w.mutate("REGISTER", c.old, c.new)
			w.register()
			w.run(time.Second)
			w.violated(c.want)
			if bound := len(w.agents[1].Bindings("a")); (c.want == "") != (bound == 1) {
				t.Errorf("%d bindings", bound)
			}
		})
	}
	t.Run("nc and CSeq again", func(t *testing.T) {
		w := registering(t, func(o *Options) { o.Register.Again = true }, nil)
		w.register()
		w.run(time.Second)
		w.mutate("REGISTER", "nc=00000002", "nc=00000001")
		w.do(0, w.agents[0].RefreshNow(w.now, nil))
		w.run(time.Second)
		w.violated("nc 1 after 1")
		w.agents[0].reg.own.localSeq-- // the phone counts wrong
		w.route = nil
		w.do(0, w.agents[0].RefreshNow(w.now, nil))
		w.run(time.Second)
		w.violated("CSeq of another REGISTER")
	})
}

// The bounds of a registrar, RFC 3261 section 10.3 and RFC 5626 section 6.
func TestRegistrarRefuses(t *testing.T) {
	w := registering(t, func(o *Options) { o.Register.Contacts = []string{"sip:x@192.0.2.7", "sip:y@192.0.2.7"} },
		func(o *Options) { o.Registrar.Contacts = 2 })
	w.register()
	w.run(time.Second)
	w.want("registration failed 403", "REGISTER refused 403")
	if len(w.agents[1].Bindings("a")) > 0 {
		t.Error("bound in part")
	}
	w = registering(t, nil, func(o *Options) { o.Registrar.Users["z"] = "secret" })
	w.register()
	w.run(time.Second)
	w.agents[0].o.User = "z" // who has a password of his own, and is not a
	w.do(0, w.agents[0].RefreshNow(w.now, nil))
	w.run(time.Second)
	w.want("registered 200, registration failed 403", "bound, REGISTER refused 403")
	o := Register{Seconds: 100, Instance: instance, RegID: 1, Outbound: true}
	w = registering(t, func(p *Options) { p.Register = &o }, func(o *Options) { o.Registrar.Outbound = true })
	w.mutate("REGISTER", "From:", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom:")
	w.register()
	w.run(time.Second)
	if !w.has(1, RegisterRefused, 439) || !w.has(0, Registered, 200) {
		t.Error(w.kinds(0), w.kinds(1)) // the phone does without outbound
	}
}

// A flow is replaced by the next one of its instance and reg-id; a contact
// without them is not.
func TestRegistrarReplaces(t *testing.T) {
	for _, regID := range []int{0, 1} {
		w := registering(t, func(o *Options) {
			o.Register.Instance, o.Register.RegID, o.Register.Outbound = instance, regID, true
			o.Register.Shared = true
		}, func(o *Options) { o.Registrar.Outbound = true })
		w.register()
		w.run(time.Second)
		w.agents[0].Reboot(w.now, nil)
		w.agents[0].o.User = "a"
		w.agents[0].public = netip.MustParseAddrPort("192.0.2.60:6000") // as if its router had been changed
		w.register()
		w.run(time.Second)
		w.clean()
		var uris []string
		for _, b := range w.agents[1].Bindings("a") {
			uris = append(uris, b.URI)
		}
		want := []string{"sip:a@10.0.0.1:5060", "sip:a@192.0.2.60:6000"}
		if regID == 1 {
			want = want[1:]
		}
		if !slices.Equal(uris, want) {
			t.Errorf("reg-id %d: %v", regID, uris)
		}
	}
}

// Requests to a registered user go to its Contact by way of its Path; requests
// of the phone by way of the Service-Route.
func TestCallRegistered(t *testing.T) {
	w := registering(t, func(o *Options) { o.Register.Path = true }, func(o *Options) {
		o.Registrar.ServiceRoute = []string{"<sip:192.0.2.2:5060;lr>", "<sip:inner.example;lr>"}
	})
	w.react[0] = answer
	w.mutate("REGISTER", "Contact:", "Path: <sip:10.0.0.1:5060;lr>, <sip:edge.example;lr;ob>\r\nContact:")
	w.register()
	w.run(time.Second)
	sent := map[string]string{}
	w.lose = func(p packet) bool {
		sent[w.wire[len(w.wire)-1]] = string(p.bytes)
		return false
	}
	b := w.agents[1]
	id, do := b.Invite(w.now, Invite{To: "a"}, nil)
	w.do(1, do)
	_, do = b.Message(w.now, "a", "hello", nil)
	w.do(1, do)
	_, do = b.Subscribe(w.now, Subscribe{To: "a", Event: "presence", Seconds: 60}, nil)
	w.do(1, do)
	w.run(time.Second)
	_, do = w.agents[0].Message(w.now, "b", "hello", nil)
	w.do(0, do)
	w.run(time.Second)
	w.do(1, b.Hangup(w.now, id, nil))
	w.run(time.Second)
	w.clean()
	const path = "Route: <sip:10.0.0.1:5060;lr>\r\nRoute: <sip:edge.example;lr;ob>\r\n"
	for what, want := range map[string]string{
		"b→ INVITE": path, "b→ MESSAGE": path, "b→ SUBSCRIBE": path,
		"a→ MESSAGE": "Route: <sip:192.0.2.2:5060;lr>\r\nRoute: <sip:inner.example;lr>\r\nFrom: <sip:a@pbx.example>",
	} {
		if !strings.Contains(sent[what], want) || what[0] == 'b' && !strings.Contains(sent[what], " sip:a@10.0.0.1:5060 SIP/2.0\r\n") {
			t.Errorf("%s:\n%s", what, sent[what])
		}
	}
	if !w.has(1, Answered, 200) || !w.has(1, Replied, 200) || !w.has(1, Notified, 0) {
		t.Error(w.kinds(1))
	}
}

// A request that names no Contact of the phone is told, and refused.
func TestRequestForAnother(t *testing.T) {
	for _, when := range []string{"INVITE", "BYE"} {
		w := registering(t, nil, nil)
		w.react[0] = answer
		w.register()
		w.run(time.Second)
		w.mutate(when, " sip:a@10.0.0.1:5060 ", " sip:a@10.0.0.1 ")
		id, do := w.agents[1].Invite(w.now, Invite{To: "a"}, nil)
		w.do(1, do)
		w.run(time.Second)
		if when == "INVITE" {
			if !w.has(1, Ended, 404) {
				t.Error(w.kinds(1))
			}
		} else {
			w.do(1, w.agents[1].Hangup(w.now, id, nil))
			w.run(time.Second)
		}
		w.violated("request to no Contact of ours: " + when)
	}
}

// OPTIONS finds out who is there, and phones answer it in their own ways.
func TestQualify(t *testing.T) {
	for _, c := range []struct {
		status int
		want   string
	}{{0, ""}, {200, ""}, {405, "qualified 405"}, {-1, "qualified 408"}} {
		w := registering(t, func(o *Options) { o.OptionsStatus, o.Register.Seconds = c.status, 3600 },
			func(o *Options) { o.Registrar.Qualify = 10 * time.Second })
		w.register()
		w.run(60 * time.Second)
		w.clean()
		want := "bound"
		if c.want != "" {
			want += ", " + c.want
		}
		w.want("registered 200", want)
		if got := w.agents[1].Bindings("a")[0].Reachable; got != (c.want == "") {
			t.Errorf("%d: reachable %v", c.status, got)
		}
		w.agents[0].o.OptionsStatus = 0
		w.run(60 * time.Second)
		if !w.agents[1].Bindings("a")[0].Reachable {
			t.Errorf("%d: still unreachable", c.status)
		}
		w.unregistered()
	}
}

// A registrar that is restarted has forgotten everything: the next refresh
// binds again.
func TestRegistrarForgets(t *testing.T) {
	w := registering(t, func(o *Options) { o.Register.Again = true }, nil)
	w.register()
	w.run(time.Second)
	w.agents[1].Forget()
	if len(w.agents[1].Bindings("a")) > 0 {
		t.Error("still bound")
	}
	w.run(60 * time.Second)
	w.clean()
	w.want("registered 200, registered 200", "bound, bound")
	if all, _ := w.agents[1].Counts("a"); all.Busiest != 2 {
		t.Errorf("%+v", all)
	}
	w.unregistered()
}

// Phones behind a proxying PBX call each other at their contacts.
func TestForkerRegistrar(t *testing.T) {
	for _, record := range []bool{false, true} {
		t.Run(fmt.Sprint(record), func(t *testing.T) {
			w := newWorldOf(t, 4, quietly, func(i int, o *Options) {
				o.Peer, o.Domain, o.Password = addrs[forkerIndex], "pbx.example", "secret"
				if i == 3 { // one more phone of b's
					o.User = "b"
				}
			})
			pbx := New(Options{User: "pbx", Addr: addrs[forkerIndex], Peer: addrs[forkerIndex], Quiet: true, Rand: rand.New(rand.NewPCG(7, 7)),
				Registrar: &Registrar{Domain: "pbx.example", Realm: "pbx", Users: map[string]string{"a": "secret", "b": "secret", "c": "secret", "e": "secret"}}})
			w.forker = NewForker(ForkerOptions{Addr: addrs[forkerIndex], Registrar: pbx, RecordRoute: record, Rand: rand.New(rand.NewPCG(9, 9))})
			w.mutate("REGISTER", "Contact: <sip:b@192.0.2.4", "Path: <sip:192.0.2.4:5060;lr>\r\nContact: <sip:b@192.0.2.4")
			routed := false
			w.lose = func(p packet) bool {
				routed = routed || p.to == addrs[3] && bytes.HasPrefix(p.bytes, []byte("INVITE sip:b@192.0.2.4:5060 ")) &&
					bytes.Contains(p.bytes, []byte("Route: <sip:192.0.2.4:5060;lr>\r\n"))
				return false
			}
			for i, a := range w.agents {
				w.do(i, a.Register(w.now, Register{Seconds: 300, Shared: i == 1 || i == 3}, nil))
			}
			w.run(time.Second)
			after(w, 1, time.Second, 486)
			after(w, 3, 2*time.Second, 200)
			for _, to := range []string{"b", "e", "z"} {
				_, do := w.agents[0].Invite(w.now, Invite{To: to}, nil)
				w.do(0, do)
			}
			_, do := w.agents[2].Message(w.now, "a", "hello", nil)
			w.do(2, do)
			w.run(5 * time.Second)
			w.hangup(0)
			w.run(5 * time.Second)
			w.do(2, w.agents[2].Unregister(w.now, nil))
			w.run(time.Second)
			_, do = w.agents[0].Message(w.now, "c", "hello", nil)
			w.do(0, do)
			w.run(time.Second)
			w.clean()
			w.want("registered 200, ended 480 (rejected), ended 404 (rejected), asked 200, ringing 180, ringing 180, answered 200, ended (we hung up), replied 480",
				"registered 200, incoming, ended 486 (rejected)",
				"registered 200, replied 200, unregistered 200",
				"registered 200, incoming, answered 200, ended (far end hung up)")
			if !routed {
				t.Error("no INVITE by the Path")
			}
			if got := pbx.BoundUsers(); !slices.Equal(got, []string{"a", "b"}) || len(pbx.Bindings("b")) != 2 {
				t.Error(got)
			}
		})
	}
}

// Of several contacts the one with the highest q is called, of equals the
// newest.
func TestBestContact(t *testing.T) {
	for _, c := range []struct {
		q    [3]string
		want string
	}{
		{[3]string{"", "", ""}, "c"}, {[3]string{"0.5", "0.9", "0.55"}, "b"}, {[3]string{"1", "0.9", "0"}, "a"}, {[3]string{"0.9", "", "0.999"}, "b"},
	} {
		a := New(Options{Rand: rand.New(rand.NewPCG(1, 1)), Registrar: &Registrar{}})
		for i, q := range c.q {
			a.registrar.byUser["u"] = append(a.registrar.byUser["u"], &binding{Binding: Binding{URI: string(rune('a' + i)), Q: q}})
		}
		if got := a.bound("u").URI; got != c.want {
			t.Errorf("%v: %s, want %s", c.q, got, c.want)
		}
	}
}

// A call of a registered phone answers the challenge of its PBX with its own
// password.
func TestRegisteredCalls(t *testing.T) {
	for _, password := range []string{"secret", "other"} {
		w := registering(t, nil, func(o *Options) {
			o.Challenge, o.Registrar.Users["a"] = Challenge{Realm: "pbx", Proxy: true, Password: "nobody's"}, "secret"
		})
		w.register()
		w.run(time.Second)
		w.agents[1].o.Registrar.Users["a"] = password
		w.invite(Invite{})
		w.run(time.Second)
		if ok := password == "secret"; w.has(0, Answered, 200) != ok || w.has(0, Ended, 403) == ok {
			t.Errorf("%s: %s", password, w.kinds(0))
		}
	}
}

// What cannot be done is said.
func TestRegisterIgnored(t *testing.T) {
	w := registering(t, nil, nil)
	a := w.agents[0]
	w.do(0, a.RefreshNow(w.now, nil))
	w.do(0, a.Unregister(w.now, nil))
	w.do(0, a.UnregisterAll(w.now, nil))
	w.do(0, a.Roam(w.now, addrs[0], nil))
	_, do := a.Make(w.now, Move{Name: "roam", To: "nowhere"}, nil)
	w.do(0, do)
	for _, e := range w.events[0] {
		if e.Is != Ignored {
			t.Error(e.Is, e.Text)
		}
	}
	if len(w.events[0]) != 5 || len(w.wire) > 0 {
		t.Error(w.kinds(0), w.wire)
	}
}
