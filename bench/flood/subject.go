package main

import (
	"crypto/md5"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// A subject is what is measured: the SBC with one of its engines, or Kamailio.
type subject string

const kamailio subject = "kamailio"

// ours is what the names of the SBC begin with; its engine follows.
const ours = "sbc, "

// engines are those that the SBC is measured with.
var engines = []subject{ours + "none", ours + "nftables", ours + "tcx", ours + "xdp"}

func (s subject) isOurs() bool { return s != kamailio }

// name is what it is called where the engine does not matter.
func (s subject) name() string {
	name, _, _ := strings.Cut(string(s), ",")
	return name
}

func (s subject) engine() string { return strings.TrimPrefix(string(s), ours) }

var (
	//go:embed testdata/sbc.hcl
	sbcConfig string
	//go:embed testdata/digest.hcl
	digestConfig string
	//go:embed testdata/kamailio.cfg
	kamailioConfig string
)

// metricsAddr is where the SBC says what it refused and how large its heap is.
var metricsAddr = netip.AddrPortFrom(world.Inside, 9090)

// password is the one that the registrars know.
const password = "s3cret"

// start starts a subject with fresh files and waits until it serves.
func (s subject) start(w *world.World, o options) (*netns.Process, error) {
	if s == kamailio {
		return startKamailio(w)
	}
	text := fmt.Sprintf(sbcConfig, world.Outside, world.Inside, world.ITSP, world.LAN, s.engine(), metricsAddr, w.Dir)
	return startSBC(w, o, text, sipAt(world.Outside), sipAt(world.Inside))
}

// startRegistrar starts a subject that asks everybody for credentials.
func (s subject) startRegistrar(w *world.World, o options) (*netns.Process, error) {
	if s == kamailio {
		return startKamailio(w, "-A", "WITH_AUTH")
	}
	return startSBC(w, o, fmt.Sprintf(digestConfig, world.Outside, md5.Sum([]byte("1000:voice.example:"+password)), w.Dir), sipAt(world.Outside))
}

func startSBC(w *world.World, o options, text string, serves ...netip.AddrPort) (*netns.Process, error) {
	if err := os.Remove(filepath.Join(w.Dir, "state.db")); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	path, err := w.File("sbc.hcl", text)
	if err != nil {
		return nil, err
	}
	return launch(w, netns.Command{Path: o.binary, Args: []string{"run", path}}, serves...)
}

// startKamailio starts Kamailio as it does best here: its fast allocator, two
// workers a socket, a receive buffer of 4 MiB.
func startKamailio(w *world.World, more ...string) (*netns.Process, error) {
	path, err := w.File("kamailio.cfg", strings.ReplaceAll(kamailioConfig, "PASSWORD", password))
	if err != nil {
		return nil, err
	}
	args := append([]string{"-DD", "-E", "-x", "fm", "-m", "512", "-f", path, "-Y", w.Dir}, more...)
	return launch(w, netns.Command{Path: string(kamailio), Args: args}, sipAt(world.Outside), sipAt(world.Inside))
}

func launch(w *world.World, c netns.Command, serves ...netip.AddrPort) (*netns.Process, error) {
	p, err := w.Middle.Start(c)
	if err != nil {
		return nil, err
	}
	if _, err := machine.Favour(strconv.Itoa(p.PID())); err != nil {
		return nil, err
	}
	return p, world.Serves(w.Middle, p, false, serves...)
}
