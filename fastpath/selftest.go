package fastpath

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
)

// Verdicts of the two programs, as the kernel's headers have them.
const (
	tcPass  = 0xffffffff // TC_ACT_UNSPEC, -1: the next program decides
	tcDrop  = 2          // TC_ACT_SHOT
	xdpPass = 2
	xdpDrop = 1
)

// selfTestFrame is a UDP datagram without payload from selfTestSource.
var (
	selfTestSource = netip.MustParsePrefix("192.0.2.1/32")
	selfTestFrame  = []byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" +
		"\x45\x00\x00\x1c\x00\x00\x40\x00\x40\x11\xb6\xce\xc0\x00\x02\x01\xc0\x00\x02\x02" +
		"\x13\xc4\x13\xc4\x00\x08\x00\x00")
)

// selfTest runs both programs on a frame from nobody and from a banned address,
// and leaves the maps as they were.
func (p *Program) selfTest() error {
	if err := p.tryFrame(tcPass, xdpPass); err != nil {
		return err
	}
	if err := p.Ban(selfTestSource, time.Minute); err != nil {
		return err
	}
	err := p.tryFrame(tcDrop, xdpDrop)
	return errors.Join(err, p.Unban(selfTestSource), p.resetCounters())
}

func (p *Program) tryFrame(tc, xdp uint32) error {
	for _, c := range []struct {
		program *ebpf.Program
		want    uint32
	}{{p.objects.FastpathTc, tc}, {p.objects.FastpathXdp, xdp}} {
		got, err := c.program.Run(&ebpf.RunOptions{Data: selfTestFrame})
		if err != nil {
			return err
		}
		if got != c.want {
			return fmt.Errorf("%v answered %d, want %d", c.program, int32(got), int32(c.want))
		}
	}
	return nil
}
