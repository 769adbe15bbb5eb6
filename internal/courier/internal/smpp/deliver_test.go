package smpp

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/linxGnu/gosmpp/pdu"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

// TestReceipts: every way in which the centre may give one. Which message it is about is
// for the caller to find out: the id is told as it came.
func TestReceipts(t *testing.T) {
	t.Parallel()
	for mode, want := range map[peers.SMSReceipts]func(id string) []sms.Receipt{
		peers.SMSDelivered: func(id string) []sms.Receipt {
			return []sms.Receipt{{ID: id, Fate: sms.Delivered, Code: "DELIVRD 000"}}
		},
		peers.SMSFailed: func(id string) []sms.Receipt { return []sms.Receipt{{ID: id, Fate: sms.Failed, Code: "UNDELIV 001"}} },
		peers.SMSEarly: func(id string) []sms.Receipt {
			return []sms.Receipt{{ID: id, Fate: sms.Delivered, Code: "DELIVRD 000"}}
		},
		peers.SMSOtherCase: func(id string) []sms.Receipt {
			return []sms.Receipt{{ID: strings.ToUpper(id), Fate: sms.Delivered, Code: "DELIVRD 000"}}
		},
		peers.SMSPadded: func(id string) []sms.Receipt {
			return []sms.Receipt{{ID: "0000" + id, Fate: sms.Delivered, Code: "DELIVRD 000"}}
		},
		peers.SMSUnknownID: func(string) []sms.Receipt {
			return []sms.Receipt{{ID: "ffffffff", Fate: sms.Delivered, Code: "DELIVRD 000"}}
		},
		peers.SMSReceiptTwice: func(id string) []sms.Receipt {
			r := sms.Receipt{ID: id, Fate: sms.Delivered, Code: "DELIVRD 000"}
			return []sms.Receipt{r, r}
		},
		peers.SMSDecimal: func(id string) []sms.Receipt {
			n, _ := strconv.ParseInt(id, 16, 64)
			return []sms.Receipt{{ID: strconv.FormatInt(n, 10), Fate: sms.Delivered, Code: "DELIVRD 000"}}
		},
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			peer := peers.SMPP(t, peers.SMSCentreOptions{Receipts: mode})
			var box inbox
			s, _ := session(t, peer, box.taking())
			got := s.Send(t.Context(), message(1, "Léa"), yes)
			expect(t, got, sms.Accepted)
			all := want(got.Parts[0])
			if err := peer.WaitGiven(soon(t), len(all)); err != nil {
				t.Fatal(err)
			}
			receipts, incoming := box.all()
			if len(receipts) != len(all) || len(incoming) != 0 {
				t.Fatalf("%+v %+v", receipts, incoming)
			}
			for i, r := range receipts {
				all[i].To = message(1, "").To
				if r != all[i] {
					t.Errorf("%+v, want %+v", r, all[i])
				}
			}
		})
	}
}

// TestNotTakenIsGivenAgain: the centre is told yes only when the inbox has it.
func TestNotTakenIsGivenAgain(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t)
	box := inbox{refuse: 2}
	session(t, peer, box.taking())
	peer.Deliver(peers.SMSDeliver{From: "33639980001", Class: 4, Text: "id:1 stat:DELIVRD err:000"})
	if err := peer.WaitGiven(soon(t), 3); err != nil {
		t.Fatal(err)
	}
	for i, g := range peer.Given() {
		if want := []int{0x64, 0x64, 0}[i]; g.Status != want {
			t.Errorf("answer %d is %#x, want %#x", i, g.Status, want)
		}
	}
	if receipts, _ := box.all(); len(receipts) != 3 {
		t.Errorf("%+v", receipts)
	}
}

// TestUnsureIsSettledLater: the receipt of a message whose answer was lost arrives over
// the next session.
func TestUnsureIsSettledLater(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Receipts: peers.SMSDelivered, Faults: []peers.SMSFault{{At: peers.AtSubmit, Do: peers.SMSDrop}}})
	var box inbox
	s, _ := session(t, peer, box.taking())
	expect(t, s.Send(t.Context(), message(1, "Léa"), yes), sms.Unsure)
	if err := peer.WaitGiven(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	if receipts, _ := box.all(); len(receipts) != 1 || receipts[0].ID != peer.Messages()[0].ID || receipts[0].To != message(1, "").To {
		t.Errorf("%+v", receipts)
	}
}

func TestIncoming(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t)
	var box inbox
	session(t, peer, box.taking())
	for i, tc := range []struct {
		given      peers.SMSDeliver
		from, text string
	}{
		{peers.SMSDeliver{From: "33639980001", Text: `Léa est malade {[€]}`}, "+33639980001", `Léa est malade {[€]}`},
		{peers.SMSDeliver{From: "33639980001", Coding: 8, Text: "Zoë est là"}, "+33639980001", "Zoë est là"},
		{peers.SMSDeliver{From: "33639980001", Coding: 3, Raw: []byte("\xe9t\xe9")}, "+33639980001", "été"},
		{peers.SMSDeliver{From: "33639980001", Coding: 1, Raw: []byte("STOP @")}, "+33639980001", "STOP @"},
		{peers.SMSDeliver{From: "33639980001", Coding: 0, Raw: []byte("ete\x1b")}, "+33639980001", "ete\x1b"},
		{peers.SMSDeliver{From: "33639980001", Coding: 8, Raw: []byte("\x00a\xd8\x00\x00")}, "+33639980001", "a\ufffd"},
		{peers.SMSDeliver{From: "33639980001", Payload: []byte("STOP")}, "+33639980001", "STOP"},
		{peers.SMSDeliver{From: "33639980001", Class: 0x40, Raw: []byte("\x05\x00\x03\x07\x02\x01STOP")}, "+33639980001", "STOP"},
		{peers.SMSDeliver{From: "33639980001", Class: 0x40, Raw: []byte("\xffSTOP")}, "+33639980001", ""},
		{peers.SMSDeliver{From: "+33639980001", FromTON: 2, Text: "STOP"}, "+33639980001", "STOP"},
		{peers.SMSDeliver{From: "0033639980001", FromTON: 2, Text: "STOP"}, "+33639980001", "STOP"},
		{peers.SMSDeliver{From: "0639980001", FromTON: 2, Text: "STOP"}, "0639980001", "STOP"},
		{peers.SMSDeliver{From: "36000", FromTON: 3, Text: "id:1 stat:DELIVRD"}, "36000", "id:1 stat:DELIVRD"}, // its words do not make it a receipt
	} {
		peer.Deliver(tc.given)
		if err := peer.WaitGiven(soon(t), i+1); err != nil {
			t.Fatal(err)
		}
		_, all := box.all()
		if len(all) != i+1 || all[i] != (sms.Incoming{From: tc.from, Text: tc.text}) {
			t.Fatalf("%+v gave %+v", tc.given, all[i:])
		}
	}
	if receipts, _ := box.all(); len(receipts) != 0 {
		t.Errorf("%+v", receipts)
	}
}

func TestReadReceipt(t *testing.T) {
	for text, want := range map[string]report{
		"id:a1 sub:001 dlvrd:001 submit date:2610060805 done date:2610060806 stat:DELIVRD err:000 text:Lea": {"a1", "DELIVRD", "000", sms.Delivered},
		"ID: A1 SUB:1 Stat : undeliv ERR: 45":                   {"A1", "UNDELIV", "45", sms.Failed},
		"stat:EXPIRED id:7":                                     {"7", "EXPIRED", "", sms.Failed},
		"id:7 submit date:1 done date:2 status:Delivered err:0": {"7", "DELIVERED", "0", sms.Delivered},
		"messageid:7;stat:REJECTD;err:a1f":                      {"7", "REJECTD", "a1f", sms.Failed},
		"id:7 stat:ACCEPTD":                                     {"7", "ACCEPTD", "", sms.Underway},
		"id:7 stat:ENROUTE":                                     {"7", "ENROUTE", "", sms.Underway},
		"id:7 stat: err:000":                                    {"7", "", "000", sms.Unknown},
		"id: sub:001 stat:DELIVRD err:":                         {"", "DELIVRD", "", sms.Delivered},
		"id:7 stat:SKIPPED":                                     {"7", "SKIPPED", "", sms.Unknown},
		"id:7 stat:":                                            {"7", "", "", sms.Unknown},
		"":                                                      {"", "", "", sms.Unknown},
		"id:7 sub:001 text:id:8 stat:DELIVRD":                   {"7", "", "", sms.Unknown}, // the message's own words are no receipt
		"invalid:7 dlvrd:1 mystat:DELIVRD":                      {"", "", "", sms.Unknown},
		"id:0012-ab_7/z sub:001 dlvrd:000 stat:DELETED err:012 Text:STOP":         {"0012-ab_7/z", "DELETED", "012", sms.Failed},
		"id:7 sub:001 dlvrd:001 submit date:26 done date:26 stat:UNKNOWN err:999": {"7", "UNKNOWN", "999", sms.Unknown},
	} {
		if got := readReceipt(text); got != want {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
	}
}

// TestReceiptFields: the optional fields count, and where they and the text disagree
// there is no proof.
func TestReceiptFields(t *testing.T) {
	id, state := "\x00\x1e\x00\x03a1\x00", func(n byte) string { return "\x04\x27\x00\x01" + string([]byte{n}) }
	for name, tc := range map[string]struct {
		body string
		want sms.Receipt
	}{
		"fields alone":        {mo(4, 0, "", id, state(2)), sms.Receipt{ID: "a1", Fate: sms.Delivered, Code: "DELIVRD"}},
		"class forgotten":     {mo(0, 0, "", id, state(5)), sms.Receipt{ID: "a1", Fate: sms.Failed, Code: "UNDELIV"}},
		"text alone":          {mo(4, 0, "id:7 stat:DELIVRD err:000"), sms.Receipt{ID: "7", Fate: sms.Delivered, Code: "DELIVRD 000"}},
		"the field's id":      {mo(4, 0, "id:161 stat:DELIVRD err:000", id), sms.Receipt{ID: "a1", Fate: sms.Delivered, Code: "DELIVRD 000"}},
		"agreeing":            {mo(4, 0, "id:a1 stat:UNDELIV err:001", id, state(8)), sms.Receipt{ID: "a1", Fate: sms.Failed, Code: "UNDELIV 001"}},
		"disagreeing":         {mo(4, 0, "id:a1 stat:DELIVRD err:001", id, state(5)), sms.Receipt{ID: "a1", Fate: sms.Unknown, Code: "UNDELIV/DELIVRD 001"}},
		"a state of nobody's": {mo(4, 0, "id:a1 stat:DELIVRD err:000", id, state(77)), sms.Receipt{ID: "a1", Fate: sms.Delivered, Code: "DELIVRD 000"}},
		"intermediate":        {mo(0x20, 0, "", id, state(5)), sms.Receipt{ID: "a1", Fate: sms.Underway, Code: "UNDELIV"}},
		"reference":           {mo(4, 0, "stat:DELIVRD", "\x02\x04\x00\x02\x12\x34"), sms.Receipt{Fate: sms.Delivered, Code: "DELIVRD", Reference: 0x1234}},
		"fields cut short":    {mo(4, 0, "id:7 stat:DELIVRD", id, "\x04\x27\x00\x09\x02"), sms.Receipt{ID: "a1", Fate: sms.Delivered, Code: "DELIVRD"}},
		"nothing":             {mo(4, 0, ""), sms.Receipt{Fate: sms.Unknown}},
	} {
		var got []sms.Receipt
		s, err := give(frame{body: []byte(tc.body)}, sms.Inbox{Receipt: func(r sms.Receipt) error { got = append(got, r); return nil }})
		tc.want.To = "+33639980001"
		if s != statusOK || err != nil || len(got) != 1 || got[0] != tc.want {
			t.Errorf("%s: %v %v %+v, want %+v", name, s, err, got, tc.want)
		}
	}
}

func TestValidity(t *testing.T) {
	for left, want := range map[time.Duration]string{
		time.Second:         "000000000100000R",
		2 * time.Minute:     "000000000200000R",
		90*time.Minute + 1:  "000000013000000R",
		3*time.Hour - 1:     "000000025959000R",
		25 * time.Hour:      "000001010000000R",
		1000 * time.Hour:    "000007000000000R",
		-5 * time.Hour:      "000000000100000R",
		time.Duration(1e18): "000007000000000R",
	} {
		if got := validity(left); got != want {
			t.Errorf("%v is %s, want %s", left, got, want)
		}
	}
}

// FuzzPDU: whatever comes, reading ends, holds no more than a PDU, and what the codec
// that we did not write can read is read alike.
func FuzzPDU(f *testing.F) {
	f.Add(response(deliverSM, 1, statusOK, mo(4, 0, "id:1 stat:DELIVRD", "\x00\x1e\x00\x02a\x00\x04\x27\x00\x01\x02")))
	f.Add(response(deliverSM, 1, statusOK, mo(0x40, 8, "\x05\x00\x03\x07\x02\x01\x00a", "\x04\x24\x00\x04\xff\xff\xff\xff")))
	f.Add(response(submitSMResp, 7, statusOK, "a1\x00\x00\x1d\x00\x03no\x00"))
	f.Add(header(submitSMResp, 7, statusThrottled))
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		for {
			at := len(b) - r.Len()
			f, err := readFrame(r)
			if err != nil {
				break
			}
			if len(f.body) > longestPDU || uint32(len(f.body))+headerLength != binary.BigEndian.Uint32(b[at:]) {
				t.Fatalf("a body of %d bytes", len(f.body))
			}
			theirs := codec(b[at : len(b)-r.Len()])
			switch f.command {
			case submitSMResp:
				a := readAnswer(f)
				if p, ok := theirs.(*pdu.SubmitSMResp); ok && f.status == statusOK && bytes.IndexByte(f.body, 0) >= 0 && len(p.MessageID) < 90 && sms.OneLine(p.MessageID, 100) != a.id {
					t.Errorf("id %q, theirs %q", a.id, p.MessageID)
				}
				if utf8.RuneCountInString(a.id) > 100 || utf8.RuneCountInString(a.words) > 150 {
					t.Error("an answer too long")
				}
				heardOf(a)
			case deliverSM:
				d, err := readDelivery(f.body)
				if p, ok := theirs.(*pdu.DeliverSM); ok && p.EsmClass&0x40 == 0 {
					said, _ := p.Message.GetMessageData()
					if err != nil || d.from.text != p.SourceAddr.Address() || d.class != p.EsmClass || len(said) > 0 && !bytes.Equal(said, d.text) {
						t.Errorf("%+v %v, theirs %+v", d, err, p)
					}
				}
				s, _ := give(f, sms.Inbox{Receipt: judge(t), Incoming: func(m sms.Incoming) error {
					if !utf8.ValidString(m.Text) || !utf8.ValidString(m.From) || len(m.From) > 100 {
						t.Errorf("%+v", m)
					}
					return nil
				}})
				if (s == statusOK) != (err == nil) {
					t.Errorf("%v with %v", s, err)
				}
			}
		}
	})
}

// codec reads a PDU with the library; nil when it cannot.
func codec(b []byte) (p pdu.PDU) {
	defer func() {
		if recover() != nil {
			p = nil
		}
	}()
	p, err := pdu.Parse(io.LimitReader(bytes.NewReader(b), int64(len(b))))
	if err != nil {
		return nil
	}
	return p
}

// judge says what holds for every receipt.
func judge(t *testing.T) func(sms.Receipt) error {
	return func(r sms.Receipt) error {
		if utf8.RuneCountInString(r.ID) > 100 || utf8.RuneCountInString(r.Code) > 60 || !utf8.ValidString(r.ID+r.Code+r.To) || strings.ContainsAny(r.ID+r.Code+r.To, "\r\n\x00") {
			t.Errorf("%+v", r)
		}
		return nil
	}
}

// FuzzReceipt: the text of a receipt says what it says, in bounds, and never a fate
// without a stat.
func FuzzReceipt(f *testing.F) {
	f.Add("id:a1 sub:001 dlvrd:001 submit date:2610060805 done date:2610060806 stat:DELIVRD err:000 text:Lea")
	f.Add("ID: A1 Stat : undeliv ERR: 45")
	f.Add("messageid:7;status:REJECTD")
	f.Add("text:id:1 stat:DELIVRD")
	f.Fuzz(func(t *testing.T, text string) {
		r := readReceipt(text)
		if r.stat == "" && r.fate != sms.Unknown || len(r.stat) > 90 || len(r.err) > 60 || utf8.RuneCountInString(r.id) > 100 {
			t.Errorf("%q is read as %+v", text, r)
		}
		if r.id != "" && len(r.stat) < 25 && len(r.err) < 15 && !strings.ContainsAny(r.id, " \t\r\n") && !strings.HasSuffix(r.id, "…") {
			if again := readReceipt("id:" + r.id + " stat:" + r.stat + " err:" + r.err); again.id != r.id || again.stat != r.stat || again.err != r.err || again.fate != r.fate {
				t.Errorf("%+v is read again as %+v", r, again)
			}
		}
		if err := judge(t)(delivery{text: []byte(text), coding: 3}.receipt(false)); err != nil {
			t.Error(err)
		}
	})
}
