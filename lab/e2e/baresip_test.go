package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// baresipConfig is a baresip without a terminal and without sound devices: it
// plays a file into the call and records what it hears.
const baresipConfig = `poll_method epoll
sip_listen %[1]s
net_interface eth0
audio_source aufile,%[2]s
audio_player aubridge,nil
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports 41000-41999
jitter_buffer_delay 5-10
snd_path %[3]s
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
`

// The file is longer than what is compared: a call takes a while to start,
// and has to end before the file does.
const (
	playSeconds    = 20
	compareFrom    = 1 * rate
	compareTo      = 6 * rate
	recordedOctets = 2 * 8 * rate
)

// A baresip is one that runs.
type baresip struct {
	dir     string
	played  []int16
	process *netns.Process
}

// baresip starts a baresip on a side, with a voice of its own. It answers
// every call, and dials if it is told whom.
func (w *world) baresip(s *side, seed uint64, dial string) *baresip {
	w.t.Helper()
	dir := w.t.TempDir()
	b := &baresip{dir: dir, played: speech(playSeconds, seed)}
	file := filepath.Join(dir, "voice.wav")
	w.must(os.WriteFile(file, wav(b.played), 0o644))
	config := fmt.Appendf(nil, baresipConfig, s.at(sipPort), file, dir)
	if s.net.tls != "" {
		config = fmt.Appendf(config, "sip_certificate %[1]s/own.pem\nsip_cafile %[1]s/ca.pem\n", s.net.tls)
	}
	w.must(os.WriteFile(filepath.Join(dir, "config"), config, 0o644))
	account := fmt.Sprintf("<sip:%s@%s%s>;regint=0;answermode=auto;audio_codecs=PCMA/8000/1\n", s.name, literal(s.addr), s.net.transport())
	w.must(os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o644))
	args := []string{map[bool]string{false: "-4", true: "-6"}[s.net.ip6], "-f", dir}
	if dial != "" {
		args = append(args, "-e", "d "+dial)
	}
	b.process = w.start(s.space, netns.Command{Path: "baresip", Args: args, Dir: dir})
	w.await("baresip to listen", func() bool { return s.space.Bound(s.at(sipPort)) && s.space.Listens(s.at(s.net.port())) })
	return b
}

// recorded returns what was heard so far, nil while nothing was.
func (b *baresip) recorded() []int16 {
	files, err := filepath.Glob(filepath.Join(b.dir, "dump-*-dec.wav"))
	if err != nil || len(files) != 1 {
		return nil
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return nil
	}
	samples, err := unwav(data)
	if err != nil {
		return nil
	}
	return samples
}

// Two of them talk to each other, and hear what was said.
func TestBaresip(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "baresip")
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.baresips(way)
		})
	}
}

// baresips lets two baresips talk for a while, and compares what was said with
// what was heard.
func (w *world) baresips(way string) {
	w.t.Helper()
	caller, callee := w.ends(way)
	far := w.baresip(callee, 1, "")
	near := w.baresip(caller, 2, "sip:"+callee.name+"@"+caller.target().String()+caller.net.transport())
	w.await("eight seconds of sound on both sides", func() bool {
		return 2*len(near.recorded()) > recordedOctets && 2*len(far.recorded()) > recordedOctets
	})
	if err := w.end(near.process); err != nil {
		w.t.Error(err)
	}
	w.heard(caller.name+" of "+callee.name, far.played, near.recorded())
	w.heard(callee.name+" of "+caller.name, near.played, far.recorded())
	if err := w.end(far.process); err != nil {
		w.t.Error(err)
	}
	w.sealedFrom(ua.Canary{Own: lanCanary.Own}, ua.Canary{Own: itspCanary.Own})
}

// heard fails the test unless a recording has what was played.
func (w *world) heard(what string, played, recorded []int16) {
	w.t.Helper()
	m, err := compare(played, recorded, compareFrom, compareTo)
	if err != nil {
		w.t.Errorf("what %s was heard: %v", what, err)
		return
	}
	w.t.Logf("what %s was heard: correlation %.4f, gap %d ms", what, m.correlation, m.gap*1000/rate)
	if !m.good() {
		w.t.Errorf("what %s was heard is not good: %+v", what, m)
	}
}
