package e2e

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// A scenario file in testdata/sipp defines two templates, "uac" and "uas".
// They are sipp's XML; the functions below write the messages.
//
// The branch of a request follows from its CSeq, so that the CANCEL and the
// ACK of an INVITE can name it.

// scenario writes both sides of testdata/sipp/name.xml into dir and returns
// their paths.
func scenario(t *testing.T, dir, name string, data any) (uac, uas string) {
	t.Helper()
	tmpl, err := template.New(name).Funcs(messages).ParseFiles(filepath.Join("testdata", "sipp", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	paths := [2]string{}
	for i, side := range []string{"uac", "uas"} {
		var b strings.Builder
		fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"%s %s\">\n", name, side)
		if err := tmpl.ExecuteTemplate(&b, side, data); err != nil {
			t.Fatal(err)
		}
		b.WriteString("</scenario>\n")
		paths[i] = filepath.Join(dir, name+"_"+side+".xml")
		if err := os.WriteFile(paths[i], []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return paths[0], paths[1]
}

var messages = template.FuncMap{
	"sdp":     sdpText,
	"zero":    sdpZero,
	"request": callerRequest,
	"ack":     callerAck,
	"callee":  calleeRequest,
	"reply":   reply,
	"inreply": inReply,
	"cancel":  func() string { return respond("send", "200 OK", ownTag, "", "") },
	"late":    lateReply,
	"save":    func() string { return saveInvite },
	"check":   check,
	"lines":   func(l ...string) string { return strings.Join(l, "\n") },
}

func sdpText(direction, formats string) string { return description("[local_ip]", direction, formats) }
func sdpZero(formats string) string            { return description("0.0.0.0", "sendrecv", formats) }

// description has a version that follows from what it says: sipp cannot count.
func description(addr, direction, formats string) string {
	version := crc32.ChecksumIEEE([]byte(addr + direction + formats))
	return strings.Join([]string{
		"v=0",
		fmt.Sprintf("o=sipp 53655765 %d IN IP[local_ip_type] [local_ip]", version),
		"s=-",
		"c=IN IP4 " + addr,
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

func withBody(head, body string) string {
	if body != "" {
		kind := "application/sdp"
		if !strings.HasPrefix(body, "v=") {
			kind = "application/dtmf-relay"
		}
		head += "Content-Type: " + kind + "\n"
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
const saveInvite = `<action>
<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
<ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/>
</action>`

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
