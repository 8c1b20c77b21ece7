package telemetry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sbc/signaling/sip"
)

func testMetrics() *Metrics {
	return New(Options{Version: "test", Realms: []string{"outside", "inside"}, Peers: []string{"itsp", "pbx"}})
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(func() bool { return true }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetricsShowWhatWasCounted(t *testing.T) {
	m := testMetrics()
	m.Message(0, UDP, true, sip.INVITE, 0)
	m.Message(1, UDP, false, sip.INVITE, 0)
	m.Message(1, TCP, false, sip.BYE, 0)
	m.Message(1, UDP, true, sip.INVITE, 2)
	m.Message(1, UDP, true, sip.UnknownMethod, 0)
	m.CallAttempt()
	m.PostDial(20 * time.Millisecond)
	m.CallAnswered(300 * time.Millisecond)
	m.CallEnded("bye", 2*time.Second)
	m.CallEnded("canceled", 0)
	m.Refused("ports", 1)
	m.Refused("stranger", -1)
	m.ParseError("cseq")
	m.Retransmission(true)
	m.Leak(1, "SDP a=")
	m.Leak(0, "P-Asserted-Identity")
	m.Panic()
	m.Media(MediaFlow{Packets: 50, Octets: 8600, Lost: 1, Drops: []uint64{0, 3}, Cause: func(i int) string { return [...]string{"pass", "held"}[i] }})
	m.SetNow(func() Now {
		return Now{
			Calls: 3, Ports: []Ports{{Realm: "inside", Free: 7, InUse: 2, Resting: 1}}, Peers: []PeerCalls{{"itsp", 3}},
			Connections: []Connections{{Realm: "inside", Open: 2, Accepted: 5, Refused: 1, Cut: map[string]uint64{"slow": 3}}},
			Shards:      []Shard{{Transactions: 4, Timers: 5, Lag: 0.001, Queue: 6, Dropped: 7}}, RestPorts: -1, Store: &Store{Waiting: 8, Failed: 9, Dropped: 10},
		}
	})
	text := scrape(t, m)
	for _, want := range []string{
		`sbc_messages_total{class="request",direction="in",method="INVITE",realm="outside",transport="udp"} 1`,
		`sbc_messages_total{class="request",direction="out",method="INVITE",realm="inside",transport="udp"} 1`,
		`sbc_messages_total{class="request",direction="out",method="BYE",realm="inside",transport="tcp"} 1`,
		`sbc_connections{realm="inside"} 2`,
		`sbc_connections_total{how="accepted",realm="inside"} 5`,
		`sbc_connections_total{how="refused",realm="inside"} 1`,
		`sbc_connections_cut_total{cause="slow",realm="inside"} 3`,
		`sbc_messages_total{class="2xx",direction="in",method="INVITE",realm="inside",transport="udp"} 1`,
		`sbc_messages_total{class="request",direction="in",method="other",realm="inside",transport="udp"} 1`,
		`sbc_call_attempts_total 1`, `sbc_calls_answered_total 1`, `sbc_panics_total 1`,
		`sbc_calls_ended_total{result="bye"} 1`, `sbc_calls_ended_total{result="canceled"} 1`,
		`sbc_call_setup_seconds_bucket{le="0.25"} 0`, `sbc_call_setup_seconds_bucket{le="0.5"} 1`,
		`sbc_call_post_dial_delay_seconds_count 1`, `sbc_call_talk_seconds_sum 2`, `sbc_call_talk_seconds_count 1`,
		`sbc_rejects_total{cause="ports",peer="pbx"} 1`, `sbc_rejects_total{cause="stranger",peer="none"} 1`,
		`sbc_parse_errors_total{cause="cseq"} 1`,
		`sbc_retransmissions_total{direction="in"} 1`, `sbc_retransmissions_total{direction="out"} 0`,
		`sbc_leaks_total{field="sdp_a",realm="inside"} 1`, `sbc_leaks_total{field="p_asserted_identity",realm="outside"} 1`,
		`sbc_media_packets_total 50`, `sbc_media_octets_total 8600`, `sbc_media_lost_total 1`, `sbc_media_drops_total{cause="held"} 3`,
		`sbc_calls 3`, `sbc_peer_calls{peer="itsp"} 3`,
		`sbc_ports{realm="inside",state="free"} 7`, `sbc_ports{realm="inside",state="in_use"} 2`, `sbc_ports{realm="inside",state="resting"} 1`,
		`sbc_transactions{shard="0"} 4`, `sbc_timers{shard="0"} 5`, `sbc_shard_lag_seconds{shard="0"} 0.001`,
		`sbc_store_waiting 8`, `sbc_store_failed_total 9`, `sbc_store_dropped_total 10`,
		`sbc_shard_queue{shard="0"} 6`, `sbc_shard_dropped_total{shard="0"} 7`,
		`sbc_ledger_rest{kind="ports"} -1`, `sbc_ledger_rest{kind="calls"} 0`, `sbc_ledger_rest{kind="timers"} 0`,
		`sbc_build_info{go="go1.`, `go_goroutines`, `process_open_fds`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("missing: %s", want)
		}
	}
}

// Out of range indexes and text that is no cause of ours must cost nothing.
func TestNothingFromOutsideNamesALabel(t *testing.T) {
	m := testMetrics()
	m.Message(-1, UDP, true, sip.INVITE, 0)
	m.Message(2, UDP, true, sip.INVITE, 0)
	m.Message(0, UDP, true, sip.INVITE, 7)
	m.Message(0, UDP, true, sip.Method(200), 0)
	m.Leak(9, "Via")
	m.Leak(0, strings.Repeat("X", 500))
	m.Leak(0, "X\r\nY")
	for _, cause := range []string{"", "A", "a b", "a\n", "ü", strings.Repeat("x", 33), `"`} {
		m.ParseError(cause)
	}
	for i := range 10 * labelsMax {
		m.Refused(fmt.Sprintf("cause_%d", i), 99)
	}
	text := scrape(t, m)
	for _, want := range []string{
		`sbc_messages_total{class="request",direction="in",method="other",realm="outside",transport="udp"} 1`,
		`sbc_leaks_total{field="other",realm="outside"} 2`,
		`sbc_parse_errors_total{cause="other"} 7`,
		fmt.Sprintf(`sbc_rejects_total{cause="other",peer="none"} %d`, 9*labelsMax+1),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if n := strings.Count(text, "\nsbc_rejects_total{"); n != labelsMax {
		t.Errorf("%d series of one counter, want %d", n, labelsMax)
	}
	if n := strings.Count(text, "\nsbc_messages_total{"); n != 1 {
		t.Errorf("%d series of messages, want 1", n)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	m := testMetrics()
	m.Refused("ports", 0)
	m.ParseError("cseq")
	if n := testing.AllocsPerRun(1000, func() {
		m.Message(0, UDP, true, sip.INVITE, 0)
		m.Refused("ports", 0)
		m.ParseError("cseq")
		m.Retransmission(false)
		m.CallAttempt()
		m.CallAnswered(time.Second)
	}); n != 0 {
		t.Errorf("counting allocates %v times", n)
	}
}

func TestServer(t *testing.T) {
	var ready atomic.Bool
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), testMetrics().Handler(ready.Load))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	for _, c := range []struct {
		path  string
		ready bool
		want  int
	}{
		{"/livez", false, 200}, {"/readyz", false, 503}, {"/readyz", true, 200}, {"/metrics", true, 200}, {"/debug/pprof/", true, 404},
	} {
		ready.Store(c.ready)
		if got, body := get(c.path); got != c.want {
			t.Errorf("%s, ready %v: %d %s", c.path, c.ready, got, body)
		}
	}
	if _, err := Listen(netip.MustParseAddrPort(s.Addr().String()), nil); err == nil {
		t.Error("the same address was bound twice")
	}
	http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

func BenchmarkMessage(b *testing.B) {
	m := testMetrics()
	for b.Loop() {
		m.Message(0, UDP, true, sip.INVITE, 2)
	}
}

func BenchmarkRefused(b *testing.B) {
	m := testMetrics()
	for b.Loop() {
		m.Refused("stray_response", 1)
	}
}
