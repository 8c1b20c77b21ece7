package e2e

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
)

// A scenario file in testdata/sipp defines a template for each role: "uac",
// "uas", and the names of others. They are sipp's XML; the functions below
// write the messages.
//
// The branch of a request follows from its CSeq, so that the CANCEL and the
// ACK of an INVITE can name it.

// scenario writes the roles of testdata/sipp/name.xml into dir and returns
// their paths. near is the side of the caller.
func scenario(t *testing.T, dir, name string, near *side, data any, roles ...string) []string {
	t.Helper()
	tmpl := template.New(name).Funcs(messages).Funcs(bodies).Funcs(dialogs).Funcs(hostsOf(near))
	tmpl, err := tmpl.ParseFiles(filepath.Join("testdata", "sipp", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, role := range roles {
		var b strings.Builder
		fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"%s %s\">\n", name, role)
		if err := tmpl.ExecuteTemplate(&b, role, data); err != nil {
			t.Fatal(err)
		}
		b.WriteString("</scenario>\n")
		path := filepath.Join(dir, name+"_"+role+".xml")
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// hostsOf returns the names of the two sides, for messages and for what is
// searched in them: near is the caller's, far the callee's.
func hostsOf(near *side) template.FuncMap {
	quote := func(s fmt.Stringer) string { return strings.ReplaceAll(s.String(), ".", "[.]") }
	return template.FuncMap{
		"near":       func() string { return near.canary.Host() },
		"far":        func() string { return near.far.canary.Host() },
		"nearinner":  func() string { return near.canary.Inner.String() },
		"farinner":   func() string { return near.far.canary.Inner.String() },
		"nearaddr":   func() string { return near.addr.String() },
		"faraddr":    func() string { return near.far.addr.String() },
		"nearsecond": func() string { return near.second.String() },
		"farsecond":  func() string { return near.far.second.String() },
		"nearsbc":    func() string { return near.border.String() },
		"farsbc":     func() string { return near.far.border.String() },
		"nearborder": func() string { return quote(near.border) },
		"farborder":  func() string { return quote(near.far.border) },
	}
}

var messages = template.FuncMap{
	"sdp":     sdpText,
	"zero":    sdpZero,
	"request": callerRequest,
	"ack":     callerAck,
	"callee":  calleeRequest,
	"reply":   reply,
	"inreply": inReply,
	"answer":  answerRequest,
	"cancel":  func() string { return respond("send", "200 OK", ownTag, "", "") },
	"late":    lateReply,
	"save":    func() string { return saveInvite },
	"keep":    func() string { return keepInvite },
	"check":   check,
	"lines":   lines,
}

// lines joins header fields; those that are empty are none.
func lines(l ...string) string {
	return strings.Join(slices.DeleteFunc(l, func(s string) bool { return s == "" }), "\n")
}

func sdpText(direction, formats string) string {
	return description("IP[media_ip_type] [media_ip]", direction, formats)
}

func sdpZero(formats string) string { return description("IP4 0.0.0.0", "sendrecv", formats) }

// description has a version that follows from what it says: sipp cannot count.
func description(addr, direction, formats string) string {
	version := crc32.ChecksumIEEE([]byte(addr + direction + formats))
	return strings.Join([]string{
		"v=0",
		fmt.Sprintf("o=sipp 53655765 %d IN IP[media_ip_type] [media_ip]", version),
		"s=-",
		"c=IN " + addr,
		"t=0 0",
		"m=audio [media_port] RTP/AVP " + formats,
		"a=" + direction,
	}, "\n")
}

// message puts a message together as sipp wants it in a send element.
func message(element string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s><![CDATA[\n", element)
	for _, l := range lines {
		if l != "" {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// withBody ends a message. A body that does not name its type (see typed) is
// a session description or, without a version, that of an INFO.
func withBody(head, body string) string {
	switch {
	case body == "":
	case strings.HasPrefix(body, "Content-Type: "):
		var kind string
		kind, body, _ = strings.Cut(body, "\n\n")
		head += kind + "\n"
	case strings.HasPrefix(body, "v="):
		head += "Content-Type: application/sdp\n"
	default:
		head += "Content-Type: application/dtmf-relay\n"
	}
	return head + "Content-Length: [len]\n\n" + body + "\n]]></send>"
}

// callerRequest is a request of the caller: its INVITE with CSeq 1, or one
// within the dialog; CANCEL and ACK share the branch of the INVITE with their
// CSeq.
func callerRequest(method string, cseq int, fields, body string) string {
	element, uri, routes := `send retrans="500" start_txn="`+fmt.Sprint(method, cseq)+`"`, "[next_url]", "[routes]"
	if method == "ACK" {
		element = fmt.Sprintf(`send ack_txn="INVITE%d"`, cseq)
	}
	to := "<sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]"
	if cseq == 1 {
		uri, routes = "sip:[service]@[remote_ip]:[remote_port]", ""
		if method != "ACK" {
			to = "<sip:[service]@[remote_ip]:[remote_port]>"
		}
	}
	return withBody(message(element,
		method+" "+uri+" SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-uac%d", cseq),
		routes,
		"From: caller <sip:caller@[local_ip]:[local_port]>;tag=[pid]uac[call_number]",
		"To: "+to,
		"Call-ID: [call_id]",
		fmt.Sprintf("CSeq: %d %s", cseq, method),
		"Contact: <sip:caller@[local_ip]:[local_port]>",
		"Max-Forwards: 70",
		fields,
	), body)
}

// callerAck is the ACK for the 2xx of the INVITE with a CSeq.
func callerAck(cseq int, body string) string {
	return withBody(message(fmt.Sprintf(`send ack_txn="INVITE%d"`, cseq),
		"ACK [next_url] SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-ack%d", cseq),
		"[routes]",
		"From: caller <sip:caller@[local_ip]:[local_port]>;tag=[pid]uac[call_number]",
		"To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]",
		"Call-ID: [call_id]",
		fmt.Sprintf("CSeq: %d ACK", cseq),
		"Max-Forwards: 70",
	), body)
}

// saveInvite keeps what the callee needs of the INVITE later.
const saveInvite = "<action>" + keepInvite + "</action>"

const keepInvite = `
<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
<ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/>
`

// calleeRequest is a request of the callee within the dialog, after save.
func calleeRequest(method string, cseq int, fields, body string) string {
	element := `send retrans="500" start_txn="` + fmt.Sprint(method, cseq) + `"`
	branch := "uas"
	if method == "ACK" {
		element, branch = fmt.Sprintf(`send ack_txn="INVITE%d"`, cseq), "uasack"
	}
	return withBody(message(element,
		method+" [next_url] SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-%s%d", branch, cseq),
		"[routes]",
		"From:[$to]"+ownTag,
		"To:[$from]",
		"Call-ID: [call_id]",
		fmt.Sprintf("CSeq: %d %s", cseq, method),
		"Contact: <sip:callee@[local_ip]:[local_port]>",
		"Max-Forwards: 70",
		fields,
	), body)
}

const ownTag = ";tag=[pid]uas[call_number]"

// reply is the callee's response to an INVITE outside of a dialog. A final
// one is sent again until the ACK comes.
func reply(status, fields, body string) string {
	element := "send"
	if status >= "200" {
		element = `send retrans="500"`
	}
	return respond(element, status, ownTag, fields, body)
}

// inReply is a response to the last request, within a dialog.
func inReply(status, fields, body string) string { return respond("send", status, "", fields, body) }

// answerRequest is a final response to a request outside of a dialog that is
// no INVITE.
func answerRequest(status, fields, body string) string {
	return respond("send", status, ownTag, fields, body)
}

func respond(element, status, tag, fields, body string) string {
	return withBody(message(element,
		"SIP/2.0 "+status,
		"[last_Via:]", "[last_From:]", "[last_To:]"+tag, "[last_Call-ID:]", "[last_CSeq:]", "[last_Record-Route:]",
		"Contact: <sip:callee@[local_ip]:[local_port]>",
		fields,
	), body)
}

// lateReply is a response to the INVITE of which save has kept the fields.
func lateReply(status, fields, body string) string {
	return withBody(message("send",
		"SIP/2.0 "+status,
		"Via:[$via]", "From:[$from]", "To:[$to]"+ownTag, "Call-ID: [call_id]", "CSeq:[$cseq]",
		"Contact: <sip:callee@[local_ip]:[local_port]>",
		fields,
	), body)
}

// check is an action that fails the call unless the message (or, for "!",
// none of it) matches an expression.
func check(expressions ...string) string {
	var b strings.Builder
	b.WriteString("<action>")
	for _, e := range expressions {
		attr := "check_it"
		if strings.HasPrefix(e, "!") {
			e, attr = e[1:], "check_it_inverse"
		}
		fmt.Fprintf(&b, `<ereg regexp="%s" search_in="msg" %s="true" assign_to="checked"/>`, e, attr)
	}
	b.WriteString("</action>")
	return b.String()
}
