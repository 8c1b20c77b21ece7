package main

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sbc/bench/world"
	"sbc/lab/netns"
)

// A kind of load says what phones do besides registering.
type kind uint8

// The kinds of load.
const (
	kept  kind = iota // they answer the OPTIONS that they get
	plain             // they do not, and those who can be told send none
	kinds
)

var kindNames = [kinds]string{"kept", "plain"}

func (k kind) String() string { return kindNames[k] }

const (
	sbcName  = "sbc"
	peerName = "kamailio"
)

//go:embed testdata/sbc.hcl
var sbcConfig string

//go:embed testdata/kamailio.cfg
var kamailioConfig string

func sipAt(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 5060) }

// told is the time in seconds that phones are told, so that with a spread of a
// tenth below it none comes too late. The SBC takes no less than 15.
func (o *options) told() int { return max(int(o.refresh/time.Second)*10/9+1, 15) }

// start starts a subject with fresh files.
func start(name string, k kind, w *world.World, o options) (*netns.Process, error) {
	if name == peerName {
		return startKamailio(w, k, o)
	}
	if err := os.Remove(filepath.Join(w.Dir, "state.db")); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	path, err := w.File("sbc.hcl", fmt.Sprintf(sbcConfig, world.Outside, world.Inside, world.LAN, o.told(), o.ramp, metricsAddr, w.Dir))
	if err != nil {
		return nil, err
	}
	p, err := w.Middle.Start(netns.Command{Path: o.binary, Args: []string{"run", path}})
	if err != nil {
		return nil, err
	}
	return p, world.Serves(w.Middle, p, false, sipAt(world.Outside), sipAt(world.Inside))
}

// startKamailio starts Kamailio as it does best here: its fast allocator, two
// workers, a receive buffer of 4 MiB.
func startKamailio(w *world.World, k kind, o options) (*netns.Process, error) {
	text := strings.ReplaceAll(kamailioConfig, "EXPIRES", fmt.Sprint(o.told()))
	path, err := w.File("kamailio.cfg", text)
	if err != nil {
		return nil, err
	}
	args := []string{"-DD", "-E", "-x", "fm", "-m", "512", "-f", path, "-Y", w.Dir}
	if k == kept {
		args = append(args, "-A", "WITH_PING")
	}
	p, err := w.Middle.Start(netns.Command{Path: "kamailio", Args: args})
	if err != nil {
		return nil, err
	}
	return p, world.Serves(w.Middle, p, false, sipAt(world.Outside))
}
