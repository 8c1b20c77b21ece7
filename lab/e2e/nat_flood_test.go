package e2e

import (
	"context"
	"net/netip"
	"regexp"
	"strconv"
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/ua"
)

// A stranger floods the ports of a call. Both go on hearing each other, the
// stranger hears nothing, and the operator sees why.
func TestFloodOfMedia(t *testing.T) {
	t.Parallel()
	needsTown(t)
	const flood = 100_000
	n := newTown(t)
	var cancel context.CancelFunc
	n.ctx, cancel = context.WithTimeout(context.Background(), 3*testTime)
	t.Cleanup(cancel)
	n.voices = 4 * playSeconds
	alice, desk := n.home(nat.PortRestricted).phone("alice", 1, "udp"), n.atDesk(2)
	n.begins(desk, alice)
	n.await("media", func() bool { return len(n.mediaPorts(n.itsp)) > 0 })
	n.flood(n.mediaPorts(n.itsp)[0], flood)
	report := n.report()
	n.talks(desk, alice)
	seen := 0
	for _, m := range refusedMedia.FindAllStringSubmatch(report, -1) {
		count, _ := strconv.Atoi(m[1])
		seen += count
	}
	if seen < flood*9/10 { // what finds no room in the socket's buffer is nobody's
		t.Errorf("sbc call shows %d of %d packets:\n%s", seen, flood, report)
	}
	for _, d := range from(n.itsp.seen.Datagrams(), outsideAddr) {
		if d.Dst.Addr() == itspAddr {
			t.Fatalf("the stranger got %q", d.Payload)
		}
	}
	n.hidden()
}

// refusedMedia is a count of packets from where none may come, as `sbc call`
// writes it.
var refusedMedia = regexp.MustCompile(`(?:source|latch_\w+)[ =:]+(\d+)`)

// flood sends so many packets of audio to a port from the host that nobody has
// invited, as many a second as eighty calls have: a machine that is busy with other
// tests has to find room for them.
func (n *town) flood(to netip.AddrPort, packets int) {
	n.t.Helper()
	conn, err := n.itsp.space.ListenUDP(netip.AddrPortFrom(itspAddr, 0))
	n.must(err)
	defer conn.Close()
	tick := time.NewTicker(time.Millisecond) // which leaves out what comes too late
	defer tick.Stop()
	voice := ua.Sender{Voice: 99}
	for i := range packets {
		if i%4 == 0 {
			<-tick.C
		}
		_, err := conn.WriteToUDPAddrPort(voice.Append(nil, ua.PCMA, uint32(i)), to)
		n.must(err)
	}
}

// report is what `sbc call` says of the call that is.
func (n *town) report() string {
	n.t.Helper()
	var calls []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	n.told(&calls, "calls")
	if len(calls) != 1 {
		n.t.Fatalf("calls: %+v", calls)
	}
	text, err := n.border.run("call", calls[0].ID)
	n.must(err)
	return string(text)
}
