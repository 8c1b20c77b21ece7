package demo

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"sbc/console"
	"sbc/signaling"
	"sbc/telemetry"
)

// A teller writes the story.
type teller struct {
	w      io.Writer
	err    error // of the first write that failed
	failed bool  // something was wrong
}

func (t *teller) say(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *teller) wrong(format string, args ...any) {
	t.failed = true
	t.say("WRONG: "+format, args...)
}

func (t *teller) scene(w *world) {
	where := "each in a network namespace of its own"
	if !w.present {
		where = "all on loopback (as root each has a network namespace of its own)"
	}
	t.say("A PBX, an ITSP and the border between them, %s.", where)
	t.say("The border runs the example configuration, sbc.hcl.example.\n")
	t.say("   PBX %-18s %s ┃ sbc ┃ %s %18s ITSP\n", w.pbx.addr, w.pbx.border, w.itsp.border, w.itsp.addr)
}

func (t *teller) ladder(s *story) {
	t.say("── A call from the %s to the %s ──\n", s.from.name, s.to.name)
	if t.err == nil {
		t.err = console.WriteLadder(t.w, s.report)
	}
	t.say("")
}

// Ours: three columns in a hundred.
const (
	fieldWidth = 28
	valueWidth = 40
)

func (t *teller) hidden(s *story) {
	t.say("── What was hidden: the INVITE as the %s sent it, and as the %s saw it ──\n", s.from.name, s.to.name)
	t.say("%-*s  %-*s  %s", fieldWidth, "FIELD", valueWidth, s.from.name+" SAW", s.to.name+" SAW")
	for _, r := range hiddenRows(came(&s.report), s.invite) {
		t.say("%s  %s  %s", cell(r.field, fieldWidth), cell(r.near, valueWidth), strings.TrimRight(cell(r.far, valueWidth), " "))
	}
	t.say("")
}

// cell fits s into a column.
func cell(s string, width int) string {
	if s == "" {
		s = "-"
	}
	text := []rune(telemetry.Escape(s))
	if len(text) > width {
		text = append(text[:width-1], '…')
	}
	return string(text) + strings.Repeat(" ", width-len(text))
}

func (t *teller) media(stories ...*story) {
	t.say("── What was heard ──\n")
	t.say("%-30s  %-12s  %7s  %8s  %4s  %s", "CALL", "AUDIO", "SENT", "RECEIVED", "LOST", "HEARD")
	for _, s := range stories {
		for i, to := range []*side{s.from, s.to} {
			from := []*side{s.to, s.from}[i]
			audio := s.ended[i].Audio
			heard := "yes, bit-exact"
			if !s.heard[i] || audio.Wrong > 0 {
				heard = "NO"
				t.failed = true
			}
			t.say("%-30s  %-12s  %7d  %8d  %4d  %s", s.plan.subject, from.name+" to "+to.name, s.ended[1-i].Sent, audio.Packets, audio.Lost, heard)
		}
	}
	t.say("")
}

// verdict says whether all is as it must be.
func (t *teller) verdict(w *world, st signaling.Status, stories ...*story) {
	t.say("── The border's account ──\n")
	for _, s := range stories {
		t.searched(s)
	}
	if w.present {
		t.cables(w)
	}
	if st.Leaks != 0 {
		t.wrong("the audit found %d leaks", st.Leaks)
	} else {
		t.say("audit    nothing of the other side in any outgoing message")
	}
	if st.Ledger.Rest() {
		t.wrong("the ledger is not at zero: %+v", st.Ledger)
	} else {
		t.say("ledger   at zero: %d calls, every port, timer and place given back", st.Attempts)
	}
	if st.Attempts != uint64(len(stories)) || st.Answered != st.Attempts || st.Panics != 0 {
		t.wrong("%d calls attempted, %d answered, %d panics", st.Attempts, st.Answered, st.Panics)
	}
	t.say("")
}

// searched looks for what names one side in what the other one saw.
func (t *teller) searched(s *story) {
	for i, far := range []*side{s.to, s.from} {
		for _, raw := range s.seen[i] {
			for _, hit := range far.canary.Find(raw) {
				t.wrong("the %s could see %s (%s) of the %s: %s", []*side{s.from, s.to}[i].name, hit.What, hit.Form, far.name, around(raw, hit.At))
			}
		}
	}
}

// around returns the line of a message that an offset is in.
func around(raw []byte, at int) string {
	start := bytes.LastIndexByte(raw[:at], '\n') + 1
	line, _, _ := bytes.Cut(raw[start:], []byte("\r\n"))
	return telemetry.Escape(string(line))
}

// cables looks for what names one side in every frame of the other one's
// cable.
func (t *teller) cables(w *world) {
	for _, s := range []*side{w.pbx, w.itsp} {
		s.cable.Close()
		far := w.itsp
		if s == w.itsp {
			far = w.pbx
		}
		frames, bad := 0, 0
		for _, d := range s.cable.Datagrams() {
			frames++
			if hits := far.canary.Find(d.Payload); len(hits) > 0 && d.Dst.Addr() == s.addr {
				bad++
				t.wrong("a packet to the %s had %s (%s) of the %s: %s", s.name, hits[0].What, hits[0].Form, far.name, around(d.Payload, hits[0].At))
			}
		}
		if bad == 0 {
			t.say("cable    %d packets at the %s searched for %d names and addresses of the %s: none found", frames, s.name, 2+len(far.canary.Own), far.name)
		}
	}
}

func (t *teller) hint(w *world) {
	t.say("The border stays up, with a call through it most of the time. Look at it from another terminal:\n")
	for _, c := range []string{"status", "calls", "call ID", "hangup ID"} {
		t.say("    sbc %s --socket %s", c, w.socket)
	}
	t.say("\nCtrl-C ends it.")
}
