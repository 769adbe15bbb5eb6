package smpp

import (
	"encoding/binary"
	"errors"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/linxGnu/gosmpp/data"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// delivery is a deliver_sm, taken apart.
type delivery struct {
	from    address
	class   byte
	coding  byte
	text    []byte // without the header of a message in parts
	options map[uint16][]byte
}

var errUnreadable = errors.New("a delivery that cannot be read")

// readDelivery reads the body of a deliver_sm (section 4.6.1). Optional fields that
// cannot be read are left out; mandatory ones that cannot are errUnreadable.
func readDelivery(body []byte) (delivery, error) {
	f := fields{rest: body}
	var d delivery
	f.text() // service_type
	d.from = f.address()
	f.address() // to us
	d.class = f.byte()
	f.take(2) // protocol_id, priority_flag
	f.text()  // schedule_delivery_time
	f.text()  // validity_period
	f.take(2) // registered_delivery, replace_if_present_flag
	d.coding = f.byte()
	f.byte() // sm_default_msg_id
	d.text = f.take(int(f.byte()))
	if f.short {
		return delivery{}, errUnreadable
	}
	d.options = f.options()
	if payload := d.options[tagPayload]; len(d.text) == 0 {
		d.text = payload
	}
	if d.class&0x40 != 0 && len(d.text) > 0 {
		d.text = d.text[min(1+int(d.text[0]), len(d.text)):]
	}
	return d, nil
}

// give hands a deliver_sm to the inbox and says what to answer: statusTemporary when it
// was not taken, so that the centre gives it again, and statusPermanent when it never
// can be. The error is to be logged.
func give(f frame, in sms.Inbox) (status, error) {
	d, err := readDelivery(f.body)
	if err != nil {
		return statusPermanent, err
	}
	// Bits 2 to 5 of esm_class say what it is (section 5.2.12). A receipt whose bits were
	// forgotten is known by the field that a telephone cannot set; its text it could.
	_, receipted := d.options[tagReceipted]
	switch kind := d.class & 0x3c; {
	case kind == 0x04 || kind == 0x20 || (kind == 0 && receipted):
		if in.Receipt == nil {
			return statusTemporary, errors.New("nobody takes receipts")
		}
		err = in.Receipt(d.receipt(kind == 0x20))
	default:
		if in.Incoming == nil {
			return statusTemporary, errors.New("nobody takes messages")
		}
		err = in.Incoming(sms.Incoming{From: d.from.e164(), Text: d.decoded()})
	}
	if err != nil {
		return statusTemporary, err
	}
	return statusOK, nil
}

// e164 writes an address as a number, or as it is when it is none: a short code, a name,
// a number whose country nobody knows.
func (a address) e164() string {
	text := sms.OneLine(a.text, 21)
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "+"), "00")
	if number := "+" + digits; e164.MatchString(number) && (a.ton <= 1 || digits != text) {
		return number
	}
	return text
}

// receipt reads a receipt: its optional fields, and its text for what they leave out.
func (d delivery) receipt(underway bool) sms.Receipt {
	said := readReceipt(d.decoded())
	r := sms.Receipt{ID: said.id, To: d.from.e164(), Fate: said.fate, Code: sms.OneLine(strings.TrimSpace(said.stat+" "+said.err), 60)}
	if id := sms.OneLine(strings.TrimRight(string(d.options[tagReceipted]), "\x00"), 100); id != "" {
		r.ID = id
	}
	if reference := d.options[tagReference]; len(reference) == 2 {
		r.Reference = binary.BigEndian.Uint16(reference)
	}
	if state := d.options[tagState]; len(state) == 1 {
		fate, known := states[state[0]]
		switch {
		case !known:
		case said.stat == "":
			r.Fate, r.Code = fate.fate, sms.OneLine(strings.TrimSpace(fate.name+" "+said.err), 60)
		case fate.fate != said.fate:
			// The two disagree: neither is proof.
			r.Fate, r.Code = sms.Unknown, sms.OneLine(strings.TrimSpace(fate.name+"/"+said.stat+" "+said.err), 60)
		}
	}
	if underway && r.Fate != sms.Unknown {
		r.Fate = sms.Underway // an intermediate notification settles nothing
	}
	return r
}

// states is message_state (section 5.2.28).
var states = map[byte]struct {
	name string
	fate sms.Fate
}{
	1: {"ENROUTE", sms.Underway},
	2: {"DELIVRD", sms.Delivered},
	3: {"EXPIRED", sms.Failed},
	4: {"DELETED", sms.Failed},
	5: {"UNDELIV", sms.Failed},
	6: {"ACCEPTD", sms.Underway},
	7: {"UNKNOWN", sms.Unknown},
	8: {"REJECTD", sms.Failed},
}

// stats are the beginnings of a receipt's stat, as vendors spell it (appendix B).
var stats = []struct {
	begins string
	fate   sms.Fate
}{
	{"DELIV", sms.Delivered},
	{"EXPIR", sms.Failed},
	{"DELET", sms.Failed},
	{"UNDEL", sms.Failed},
	{"REJEC", sms.Failed},
	{"FAIL", sms.Failed},
	{"ACCEP", sms.Underway},
	{"ENROU", sms.Underway},
	{"BUFF", sms.Underway},
	{"SCHED", sms.Underway},
	{"UNKN", sms.Unknown},
}

// report is what the text of a receipt says.
type report struct {
	id, stat, err string
	fate          sms.Fate
}

// These find one field of a receipt's text: any case, spaces around the colon or none.
// "id" is not the end of another word; what a colon follows is the next field's name, and
// the value is missing.
var (
	receiptID   = regexp.MustCompile(`(?i)(?:^|[\s;,])(?:message)?id\s*:\s*([^\s;,:]+)(\s*:)?`)
	receiptStat = regexp.MustCompile(`(?i)(?:^|[\s;,])stat(?:us)?\s*:\s*([A-Za-z]+)(\s*:)?`)
	receiptErr  = regexp.MustCompile(`(?i)(?:^|[\s;,])err\s*:\s*([0-9A-Za-z]+)(\s*:)?`)
	receiptText = regexp.MustCompile(`(?i)(?:^|[\s;,])text\s*:`)
)

// readReceipt reads "id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…",
// with fields missing, in another case or in another order. What follows text is the
// beginning of the message itself, and says nothing.
func readReceipt(text string) report {
	if at := receiptText.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	find := func(r *regexp.Regexp) string {
		if found := r.FindStringSubmatch(text); found != nil && found[2] == "" {
			return found[1]
		}
		return ""
	}
	r := report{id: sms.OneLine(find(receiptID), 100), stat: strings.ToUpper(sms.OneLine(find(receiptStat), 30)), err: sms.OneLine(find(receiptErr), 20), fate: sms.Unknown}
	for _, s := range stats {
		if strings.HasPrefix(r.stat, s.begins) {
			r.fate = s.fate
			break
		}
	}
	return r
}

// decoded is the text as data_coding says (section 5.2.19). What is not of its alphabet
// is read as Latin-1: a receipt is ASCII in all of them.
func (d delivery) decoded() string {
	switch {
	case d.coding == 0x08 || d.coding&0xfc == 0x18: // UCS-2
		units := make([]uint16, len(d.text)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(d.text[2*i:])
		}
		return string(utf16.Decode(units))
	case d.coding == 0 || d.coding&0xfc == 0xf0: // the default alphabet
		if text, err := data.GSM7BIT.Decode(d.text); err == nil {
			return text
		}
	}
	latin := make([]rune, len(d.text))
	for i, b := range d.text {
		latin[i] = rune(b)
	}
	return string(latin)
}
