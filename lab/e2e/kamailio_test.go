package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"sbc/lab/netns"
)

// kamailio starts a Kamailio at a side's address. It sends what comes from
// outside of a dialog to all of the URIs, and stays in the path.
func (w *world) kamailio(s *side, to ...string) *netns.Process {
	w.t.Helper()
	tmpl, err := template.ParseFiles(filepath.Join("testdata", "kamailio.cfg"))
	w.must(err)
	var b strings.Builder
	w.must(tmpl.Execute(&b, struct {
		Listen string
		To     []string
	}{"udp:" + s.at(sipPort).String(), to}))
	dir := w.t.TempDir()
	file := filepath.Join(dir, "kamailio.cfg")
	w.must(os.WriteFile(file, []byte(b.String()), 0o600))
	p := w.start(s.space, netns.Command{Path: "kamailio", Dir: dir, Args: []string{
		"-f", file, "-DD", "-E", "-m", "32", "-M", "4", "-Y", dir, "-w", dir,
	}})
	w.await("Kamailio to listen", func() bool {
		select {
		case <-p.Done():
			w.t.Fatal("Kamailio ended")
		default:
		}
		return s.space.Bound(s.at(sipPort))
	})
	return p
}
