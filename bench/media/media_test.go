package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"sbc/bench/machine"
)

func TestBencode(t *testing.T) {
	got := bdict([]string{"command", bstring("offer"), "flags", blist("a", "strict-source")})
	if want := "d7:command5:offer5:flagsl1:a13:strict-sourceee"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMediaPort(t *testing.T) {
	for response, want := range map[string]uint16{
		"d3:sdp30:v=0\r\nm=audio 30042 RTP/AVP 0\r\n6:result2:oke": 30042,
		"d6:result5:error12:error-reason4:none":                    0,
		"m=audio 0 RTP/AVP 0":                                      0,
		"m=audio 70000 RTP/AVP 0":                                  0,
	} {
		if got, err := mediaPort(response); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v; want %d", response, got, err, want)
		}
	}
}

func TestCPUTime(t *testing.T) {
	before, err := machine.CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(10 * time.Second); ; {
		after, err := machine.CPUTime(os.Getpid())
		if err != nil || time.Now().After(late) {
			t.Fatalf("%v, %v: a busy process uses no time", after, err)
		}
		if after > before {
			break
		}
	}
	if _, err := machine.CPUTime(1 << 22); err == nil {
		t.Error("a process that cannot be has used time")
	}
}

func TestGoals(t *testing.T) {
	fast, slow := []int32{1, 2, 3}, []int32{10, 20, 30}
	for _, c := range []struct {
		name   string
		ours   result
		theirs result
		missed string
	}{
		{"all well", result{latency: fast}, result{latency: slow}, ""},
		{"slower", result{latency: slow}, result{latency: fast}, "media_p99_ratio"},
		{"one lost", result{sent: [2]int{2, 1}, came: [2]int{1, 1}, latency: fast}, result{latency: slow}, "media_loss"},
		{"nothing came", result{}, result{}, "media_p99_ratio"},
		{"a port is left", result{latency: fast, leftover: "1 ports"}, result{latency: slow}, "media_left_behind"},
	} {
		var out strings.Builder
		missed := strings.Join(printGoals(&out, []result{{}, c.ours, c.theirs}), " ")
		if missed != c.missed || strings.Count(out.String(), "\n") != 3 {
			t.Errorf("%s: missed %q, want %q\n%s", c.name, missed, c.missed, out.String())
		}
	}
}
