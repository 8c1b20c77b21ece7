package ua

import (
	"strings"
	"testing"
	"time"
)

// RFC 3891 section 3, answer by answer.
func TestReplacesIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *dialog) []string
		hangUp bool
		ring   bool
		want   string
	}{
		{"right", func(d *dialog) []string { return []string{replacesOf(d, false)} }, false, false, "200"},
		{"another tag", func(d *dialog) []string { d.remoteTag += "x"; return []string{replacesOf(d, false)} }, false, false, "481"},
		{"tags swapped", func(d *dialog) []string {
			d.remoteTag, d.localTag = d.localTag, d.remoteTag
			return []string{replacesOf(d, false)}
		}, false, false, "481"},
		{"another call", func(d *dialog) []string { d.callID += "x"; return []string{replacesOf(d, false)} }, false, false, "481"},
		{"early only", func(d *dialog) []string { return []string{replacesOf(d, true)} }, false, false, "486"},
		{"over", func(d *dialog) []string { return []string{replacesOf(d, false)} }, true, false, "603"},
		{"rings here", func(d *dialog) []string { return []string{replacesOf(d, false)} }, false, true, "481"},
		{"with Join", func(d *dialog) []string { return []string{replacesOf(d, false) + "\r\nJoin: " + replacesOf(d, false)} }, false, false, "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorldOf(t, 3, quietly)
			if c.ring {
				w.react[1] = ringOnly
			}
			route(w)
			id, _ := w.dial(0, 1)
			d := w.agents[0].byID(id).dialog
			var fields []string
			for _, v := range c.change(&d) {
				fields = append(fields, "Replaces: "+v)
			}
			if c.hangUp {
				w.hangup(0)
				w.run(time.Second)
			}
			_, do := w.agents[2].Invite(w.now, Invite{To: "b", Fields: fields}, nil)
			w.do(2, do)
			w.run(2 * time.Second)
			if got := w.kinds(2); !strings.Contains(got, " "+c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if left := len(w.agents[0].Calls()); (left == 0) != (c.want == "200" || c.hangUp) {
				t.Errorf("%d calls are left", left)
			}
			for i := range w.agents {
				w.hangup(i)
			}
			w.run(40 * time.Second)
			w.done()
			w.clean()
		})
	}
}
