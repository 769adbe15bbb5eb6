// Package bounce reads what mail servers send back: which letter it is about, and
// whether the letter is lost.
//
// Its promise: a letter is said to have failed only when a mail server said so, in the
// form that servers agreed on (RFC 3464) or in words that mean nothing else. What a
// person wrote is never deleted and never counted. Everything read here was written by
// strangers: it is bounded, and no text of it is trusted further than one short line
// from which addresses have been taken.
//
// Anybody who has received a letter knows its token and can write a false bounce about
// that letter, and about no other.
package bounce

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
)

// Kind is what a returned message says of the letter.
type Kind int

const (
	// Unknown: no machine said anything certain. It is the zero value.
	Unknown Kind = iota
	// Failed: a server has given up. The letter will not arrive. When Status begins with
	// 5 the address does not work; with 4, it may work another day.
	Failed
	// Delayed: a server is still trying.
	Delayed
	// Delivered: it is in the mailbox.
	Delivered
	// Relayed: it went on to a server that will not report.
	Relayed
	// Complaint: the person, or who keeps the mailbox, called the letter unwanted (RFC 5965).
	Complaint
	// AutoReply: a machine answered for the person, who may be away. The letter arrived
	// somewhere; nothing is said of it.
	AutoReply
)

// String returns the kind's name, as journals and logs have it.
func (k Kind) String() string {
	switch k {
	case Failed:
		return "failed"
	case Delayed:
		return "delayed"
	case Delivered:
		return "delivered"
	case Relayed:
		return "relayed"
	case Complaint:
		return "complaint"
	case AutoReply:
		return "automatic reply"
	default:
		return "unknown"
	}
}

// Report says whether a machine reports on a letter: such a message holds nobody's
// words and may be deleted once it has been written down.
func (k Kind) Report() bool {
	return k == Failed || k == Delayed || k == Delivered || k == Relayed || k == Complaint
}

// Bounce is what a returned message says.
type Bounce struct {
	Token     string // of the return path it came to, in capitals; none when empty
	MessageID string // of our letter, without angle brackets; none when empty
	Kind      Kind
	Status    string // RFC 3463, such as "5.1.1"; none when empty
	// Words are the server's, one printable line of at most 200 characters without
	// addresses. They may still name a person: keep them with the letter, not in a log.
	Words string
}

// largest is how much of a message is read. What follows is not looked at.
const largest = 1 << 20

// Parse reads one message that came to an address of the template, such as
// "retour+*@ent.example". An error means that it is not an e-mail message at all, or
// that the template has not one star; its text repeats nothing of the message.
func Parse(raw []byte, returnTemplate string) (Bounce, error) {
	find, err := tokenIn(returnTemplate)
	if err != nil {
		return Bounce{}, err
	}
	if len(raw) > largest {
		raw = raw[:largest]
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(raw, []byte("From ")) { // the mark between messages of an mbox
		_, raw, _ = bytes.Cut(raw, []byte("\n"))
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Bounce{}, errors.New("bounce: it is not an e-mail message")
	}
	header := textproto.MIMEHeader(m.Header)
	found := contents{}
	found.read(header, m.Body, 0)

	b := Bounce{Token: token(find, header, found), MessageID: messageID(found.returned.Get("Message-Id"))}
	hidden := append(found.addresses(), header.Values("X-Failed-Recipients")...)
	switch {
	case found.complaint != nil:
		readComplaint(&b, found.complaint, hidden)
	case len(found.recipients) > 0:
		readStatus(&b, found.recipients, hidden)
	case fromMachine(header):
		readText(&b, header, found.text, hidden)
	case automatic(header) || found.receipt:
		b.Kind = AutoReply
	}
	if b.MessageID == "" && !b.Kind.Report() {
		b.MessageID = messageID(header.Get("In-Reply-To"))
	}
	return b, nil
}

// tokenIn makes the pattern of the addresses of a template. Case is lost on the way
// through some servers.
func tokenIn(template string) (*regexp.Regexp, error) {
	before, after, found := strings.Cut(template, "*")
	if !found || strings.Contains(after, "*") || !strings.Contains(after, "@") || len(template) > 254 {
		return nil, errors.New("bounce: the return path has one star before the @, such as retour+*@ent.example")
	}
	return regexp.Compile(fmt.Sprintf(`(?i)(?:^|[^a-z0-9._+-])%s([a-z0-9-]{1,40})%s(?:$|[^a-z0-9._-]|\.(?:$|[^a-z0-9]))`,
		regexp.QuoteMeta(before), regexp.QuoteMeta(after)))
}

// arrivedAt are the headers that say to which address a message came, ours first: the
// server of our mailbox wrote them above what the sender wrote.
var arrivedAt = []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Apparently-To", "Cc"}

// token looks for the token where the message came to, then in what it returns.
func token(find *regexp.Regexp, header textproto.MIMEHeader, found contents) string {
	var places []string
	for _, name := range arrivedAt {
		places = append(places, header.Values(name)...)
	}
	places = append(places, found.returned.Get("Return-Path"), found.complaint.Get("Original-Mail-From"), found.copied)
	for _, place := range places {
		if m := find.FindStringSubmatch(place); m != nil {
			return strings.ToUpper(m[1])
		}
	}
	return ""
}

// messageID accepts what can be one of ours: a bare name in plain ASCII.
func messageID(value string) string {
	id := strings.TrimSpace(value)
	if strings.HasPrefix(id, "<") {
		id, _, _ = strings.Cut(id[1:], ">")
	}
	if len(id) > 254 || !strings.Contains(id, "@") || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }) {
		return ""
	}
	return id
}

// readComplaint reads the fields of a feedback report (RFC 5965).
func readComplaint(b *Bounce, fields textproto.MIMEHeader, hidden []string) {
	kind := strings.ToLower(strings.TrimSpace(fields.Get("Feedback-Type")))
	switch kind {
	case "abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized":
		b.Kind = Complaint
	default:
		// "not-spam" takes a complaint back; "auth-failure" and "dmarc" are about us.
	}
	b.Words = words(kind, hidden)
}

// readStatus reads what is said of each recipient (RFC 3464). Our letters have one; when
// its mailbox stands for several, the best news counts: it has failed when all have.
func readStatus(b *Bounce, recipients []textproto.MIMEHeader, hidden []string) {
	rank := map[Kind]int{Failed: 1, Unknown: 2, Delayed: 3, Relayed: 4, Delivered: 5}
	for i, fields := range recipients {
		status := statusCode.FindString(strings.TrimSpace(fields.Get("Status")))
		kind := actionKind(fields.Get("Action"), status)
		if i > 0 && rank[kind] <= rank[b.Kind] {
			continue
		}
		_, said, typed := strings.Cut(fields.Get("Diagnostic-Code"), ";")
		if !typed {
			said = fields.Get("Diagnostic-Code")
		}
		b.Kind, b.Status, b.Words = kind, status, words(said, hidden)
	}
}

var statusCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// actionKind is what an Action field and a status mean together; where they contradict
// each other, nothing.
func actionKind(action, status string) Kind {
	class := ""
	if status != "" {
		class = status[:1]
	}
	action, _, _ = strings.Cut(action, "(") // a comment
	switch action = strings.ToLower(strings.TrimSpace(action)); {
	case action == "failed" && class != "2", action == "" && class == "5":
		return Failed
	case action == "delayed" && class != "2", action == "" && class == "4":
		return Delayed
	case action == "delivered" && class != "5" && class != "4":
		return Delivered
	case (action == "relayed" || action == "expanded") && class != "5" && class != "4":
		return Relayed
	}
	return Unknown
}

// fromMachine reports whether a mail server itself wrote the message, as far as headers
// can say. An automatic reply has an empty return path too, so that alone is not enough;
// behind the name postmaster there may be a person.
func fromMachine(header textproto.MIMEHeader) bool {
	if header.Get("X-Failed-Recipients") != "" {
		return true
	}
	if strings.Contains(strings.ToLower(header.Get("From")), "mailer-daemon") {
		return true
	}
	return strings.TrimSpace(header.Get("Return-Path")) == "<>" && !automatic(header)
}

// automatic reports whether a program answered for a person (RFC 3834, and what
// programs did before it).
func automatic(header textproto.MIMEHeader) bool {
	submitted, _, _ := strings.Cut(strings.ToLower(header.Get("Auto-Submitted")), ";")
	if submitted = strings.TrimSpace(submitted); submitted != "" && submitted != "no" {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-For"} {
		if header.Get(name) != "" {
			return true
		}
	}
	switch strings.ToLower(strings.TrimSpace(header.Get("Precedence"))) {
	case "auto_reply", "auto-reply", "bulk", "junk", "list":
		return true
	}
	return false
}
