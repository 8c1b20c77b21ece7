package console

import (
	"fmt"
	"io"
	"strings"

	"sbc/signaling"
	"sbc/signaling/sip"
)

// WriteTry writes what would become of a request, step by step.
func WriteTry(w io.Writer, r signaling.TryReport) error {
	p := &page{}
	p.verdict(&r)
	p.line("")
	p.source(&r)
	p.routes(r.Routes)
	p.number(r.Number)
	p.targets(r.Targets)
	p.limits(&r)
	p.sent(&r)
	return p.to(w)
}

// verdict says what would become of it, and who decides that.
func (p *page) verdict(r *signaling.TryReport) {
	switch {
	case r.Sent != nil:
		p.line("it would go on, to %s at %s", r.Sent.Peer, r.Sent.To)
	case r.Refusal != nil:
		p.line("it would get %s", answered(r.Refusal))
		p.line("    %s", r.Refusal.Why)
		if r.Refusal.Remedy != "" {
			p.line("    what helps: %s", r.Refusal.Remedy)
		}
	case r.Answer != nil:
		p.line("it would get %d %s from the border", r.Answer.Status, orElse(r.Answer.Reason, sip.StatusText(r.Answer.Status)))
		if c := r.Source.Challenge; c != nil && !c.Proven {
			p.line("    it says that it is from %s, and no user that it can prove to be is known", c.Domain)
			p.line("    what helps: --proven USER, to see what follows after that")
		}
	default:
		p.line("it would get no answer")
	}
}

func (p *page) source(r *signaling.TryReport) {
	first, _, _ := strings.Cut(r.Request, " SIP/2.0\r\n")
	p.line("request  %s", first)
	if r.ContactOf != "" {
		p.line("         the contact by which %s knows who registered as %s", r.Source.Peer, r.ContactOf)
	}
	s := &r.Source
	p.line("source   %s in realm %s, by %s", s.Source, s.Realm, s.Listener)
	where := ""
	if s.Rule != "" {
		where = " (" + s.Rule + ")"
	}
	switch {
	case s.By == "source" && s.Resolved:
		p.line("         peer %s%s, whose name resolves to %s", s.Peer, where, s.Prefix)
	case s.By == "source":
		p.line("         peer %s%s, who sends from %s", s.Peer, where, s.Prefix)
	case s.By == "certificate":
		p.line("         peer %s%s, whose certificate its connection shows", s.Peer, where)
	case s.By == "registration":
		p.line("         %s%s, who registered from there", s.Peer, where)
	case s.By == "proof":
		p.line("         %s%s, because of who it says and proves to be", s.Peer, where)
	case s.Former != "":
		p.line("         a stranger: peer %s sent from there before, and can begin nothing from there now", s.Former)
	default:
		p.line("         a stranger: no peer sends from there, and nobody has registered from there")
	}
	if s.Banned != "" {
		p.line("         it is banned %s; while it is, nothing of it is read", s.Banned)
	}
	if c := s.Challenge; c != nil {
		p.line("         %s", challenge(s.Peer, c))
	}
	if r.Emergency {
		p.line("         a call for help: no limit holds for it")
	}
}

func challenge(peer string, c *signaling.TryChallenge) string {
	domain := "of domain " + c.Domain
	if c.Rule != "" {
		domain += " (" + c.Rule + ")"
	}
	switch {
	case !c.Proven:
		return "it has to prove to be a user " + domain
	case c.User == "":
		return "it has to prove first that it is a user of " + peer + " " + domain + "; what follows is after that"
	}
	return "it has to prove first that it is user " + c.User + " " + domain + "; what follows is after that"
}

func (p *page) routes(list []signaling.TryRoute) {
	var rows [][]string
	for i := range list {
		r := &list[i]
		answer := "no"
		switch {
		case r.Hit:
			answer = "yes"
		case r.Missed == "not_tried":
			answer = "not tried"
		}
		rows = append(rows, []string{r.Name, r.Rule, answer, missed(r)})
	}
	if len(rows) > 0 {
		p.line("")
	}
	p.table([]string{"ROUTE", "LINE", "FITS", "WHY NOT"}, rows)
}

// missed says what of a route does not fit.
func missed(r *signaling.TryRoute) string {
	switch r.Missed {
	case "":
		return ""
	case "not_tried":
		return "one before it fits"
	case "method":
		return fmt.Sprintf("method %s is none of %s", r.Have, r.Want)
	case "field":
		if r.Absent {
			return "there is no " + r.Field
		}
		return fmt.Sprintf("%s %q does not match %s", r.Field, r.Have, r.Want)
	}
	return fmt.Sprintf("%s %q does not match %s", r.Missed, r.Have, r.Want)
}

func (p *page) number(n *signaling.TryNumber) {
	switch {
	case n == nil:
	case n.Before == n.After:
		p.line("")
		p.line("number   %s stays as it is", n.Before)
	default:
		p.line("")
		p.line("number   %s becomes %s (%s)", n.Before, n.After, n.Rule)
	}
}

func (p *page) targets(list []signaling.TryTarget) {
	var rows [][]string
	for i := range list {
		t := &list[i]
		what := t.Problem
		if t.Taken {
			what = "it goes there"
		}
		rows = append(rows, []string{orElse(t.Peer, "none"), orElse(t.Address, "none"), orElse(t.Listener, "none"), what})
	}
	if len(rows) > 0 {
		p.line("")
	}
	p.table([]string{"TARGET", "ADDRESS", "LEAVES BY", ""}, rows)
}

func (p *page) limits(r *signaling.TryReport) {
	var rows [][]string
	for i := range r.Limits {
		l := &r.Limits[i]
		next := "any time"
		switch {
		case l.Wait > 0:
			next = "in " + brief(l.Wait)
		case l.Every > 0:
			next = "now"
		}
		room := "yes"
		switch {
		case l.Full != "" && r.Emergency:
			room = "for help"
		case l.Full != "":
			room = "no: " + l.Full
		}
		lines, kbits := of(l.Lines, l.LinesMost), of(l.Kbits, l.KbitsMost)
		if l.Of == "all" { // which has a limit of calls alone
			lines, kbits, next = "", "", ""
		}
		rows = append(rows, []string{l.Of, of(l.Calls, l.Most), lines, kbits, next, room, l.Rule})
	}
	if len(rows) > 0 {
		p.line("")
	}
	p.table([]string{"LIMITS OF", "CALLS", "MEDIA LINES", "KBIT/S", "NEXT CALL", "ROOM", "LINE"}, rows)
}

// of writes how much there is of a limit.
func of(have, most int) string {
	if most == 0 {
		return fmt.Sprint(have)
	}
	return fmt.Sprintf("%d of %d", have, most)
}

// sent shows the message that would go out, and what was changed for that.
func (p *page) sent(r *signaling.TryReport) {
	for _, leak := range r.Leaks {
		p.line("")
		p.line("LEAK %s", leak)
	}
	s := r.Sent
	if s == nil {
		return
	}
	p.line("")
	p.line("to %s at %s, by %s, %d octets; its ports and identifiers would be others:", s.Peer, s.To, s.Listener, s.Octets)
	for _, line := range strings.Split(strings.TrimRight(s.Message, "\r\n"), "\r\n") {
		p.line("    %s", line)
	}
	p.line("")
	p.line("what was changed:")
	for i := range s.Changes {
		for _, line := range change(&s.Changes[i]) {
			p.line("    %s", line)
		}
	}
}
