package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// esme is a client for one test, spoken PDU by PDU with a codec that we did not write.
type esme struct {
	t    *testing.T
	conn net.Conn
}

func dialSMSCentre(t *testing.T, c *SMSCentre) esme {
	t.Helper()
	address := net.JoinHostPort(c.Host(), strconv.Itoa(c.Port()))
	var conn net.Conn
	var err error
	if roots := c.Roots(); roots != nil {
		conn, err = tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: c.Host()})
	} else {
		conn, err = net.Dial("tcp", address)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return esme{t, conn}
}

func (e esme) say(p pdu.PDU) {
	e.t.Helper()
	b := pdu.NewBuffer(nil)
	p.Marshal(b)
	if _, err := e.conn.Write(b.Bytes()); err != nil {
		e.t.Fatal(err)
	}
}

func (e esme) hear() pdu.PDU {
	e.t.Helper()
	p, err := pdu.Parse(e.conn)
	if err != nil {
		e.t.Fatal(err)
	}
	return p
}

func (e esme) bind(password string) data.CommandStatusType {
	e.t.Helper()
	b := pdu.NewBindRequest(pdu.Transceiver)
	b.SystemID, b.Password = "preau", password
	e.say(b)
	// By hand: the codec cannot read a refusal that is a header only.
	var head [16]byte
	if _, err := io.ReadFull(e.conn, head[:]); err != nil {
		e.t.Fatal(err)
	}
	answer := pdu.ParseHeader(head)
	if _, err := io.CopyN(io.Discard, e.conn, int64(answer.CommandLength-16)); err != nil || answer.CommandID != data.BIND_TRANSCEIVER_RESP {
		e.t.Fatalf("bind was answered %+v, %v", answer, err)
	}
	return answer.CommandStatus
}

func (e esme) submit(to, text string, enc data.Encoding) {
	e.t.Helper()
	s := pdu.NewSubmitSM().(*pdu.SubmitSM)
	s.SourceAddr, _ = pdu.NewAddressWithTonNpiAddr(5, 0, "LYCEE")
	s.DestAddr, _ = pdu.NewAddressWithTonNpiAddr(1, 1, to)
	s.RegisteredDelivery, s.ValidityPeriod = 1, "000000013000000R"
	s.RegisterOptionalParam(pdu.Field{Tag: pdu.TagUserMessageReference, Data: []byte{0x12, 0x34}})
	if err := s.Message.SetMessageWithEncoding(text, enc); err != nil {
		e.t.Fatal(err)
	}
	e.say(s)
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestSMSCentres talks to both centres with a third implementation.
func TestSMSCentres(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]SMSCentreOptions{"node": {}, "node over TLS": {TLS: true}, "perl": {Perl: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.SystemID, o.Password, o.Receipts = "preau", "ardoise", SMSDelivered
			c := SMPP(t, o)
			if status := dialSMSCentre(t, c).bind("craie"); status != data.ESME_RINVPASWD {
				t.Errorf("a wrong password was answered %v", status)
			}
			if o.Perl {
				c.Drop() // one connection at a time
			}
			e := dialSMSCentre(t, c)
			if status := e.bind("ardoise"); status != data.ESME_ROK {
				t.Fatalf("bound with %v", status)
			}
			for i, text := range []string{`Léa à 8h {[€]}\~|^`, "Zoë"} {
				enc := []data.Encoding{data.GSM7BIT, data.UCS2}[i]
				e.submit("3363998000"+strconv.Itoa(i), text, enc)
				answer, ok := e.hear().(*pdu.SubmitSMResp)
				if !ok || !answer.IsOk() {
					t.Fatalf("answered %+v", answer)
				}
				receipt, ok := e.hear().(*pdu.DeliverSM)
				if !ok || receipt.EsmClass != 4 || receipt.SourceAddr.Address() != "3363998000"+strconv.Itoa(i) {
					t.Fatalf("receipt %+v", receipt)
				}
				receipted := receipt.OptionalParameters[pdu.TagReceiptedMessageID]
				if receipted.String() != answer.MessageID {
					t.Errorf("receipt for %q, want %q", receipted.String(), answer.MessageID)
				}
				e.say(receipt.GetResponse())
				all, err := c.Wait(within(t), i+1)
				if err != nil {
					t.Fatal(err)
				}
				m := all[i]
				if m.Text != text || m.From != "LYCEE" || m.ID != answer.MessageID || m.User != "preau" || m.Coding != 8*i || m.SourceTON != 5 || m.DestTON != 1 || m.DestNPI != 1 ||
					m.Registered != 1 || m.Validity != "000000013000000R" || m.Reference != 0x1234 || m.Total != 0 || !m.Taken {
					t.Errorf("read %+v", m)
				}
			}
			e.say(pdu.NewEnquireLink())
			if _, ok := e.hear().(*pdu.EnquireLinkResp); !ok {
				t.Error("enquire_link was not answered")
			}
			c.Deliver(SMSDeliver{From: "33639980001", To: "36000", Text: "STOP"})
			for range 2 { // it is given again until it is taken
				stop := e.hear().(*pdu.DeliverSM)
				if text, err := stop.Message.GetMessage(); err != nil || text != "STOP" {
					t.Errorf("%q %v", text, err)
				}
				answer := pdu.NewDeliverSMRespFromReq(stop).(*pdu.DeliverSMResp)
				if len(c.Given()) == 2 {
					answer.CommandStatus = data.ESME_RX_T_APPN
				}
				e.say(answer)
				if err := c.WaitGiven(within(t), 3); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.WaitGiven(within(t), 4); err != nil || c.Given()[2].Status != 0x64 || c.Given()[3].Status != 0 {
				t.Errorf("%v %+v", err, c.Given())
			}
			e.say(pdu.NewUnbind())
			if _, ok := e.hear().(*pdu.UnbindResp); !ok {
				t.Error("unbind was not answered")
			}
			if _, err := e.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("after unbind: %v", err)
			}
			if c.Unbinds() != 1 || c.Connections() != 2 || c.Enquiries() != 1 || len(c.Binds()) != 2 {
				t.Errorf("%d unbinds, %d connections, %d enquiries, %d binds", c.Unbinds(), c.Connections(), c.Enquiries(), len(c.Binds()))
			}
		})
	}
}

// TestSMSCentreFaults: what is planned is played, and what is taken is counted.
func TestSMSCentreFaults(t *testing.T) {
	t.Parallel()
	c := SMPP(t, SMSCentreOptions{Faults: []SMSFault{{At: AtBind, Do: SMSRefuse, Status: ESMEBindFailed}}})
	if status := dialSMSCentre(t, c).bind(""); status != data.ESME_RBINDFAIL {
		t.Errorf("answered %v", status)
	}
	for _, tc := range []struct {
		fault SMSFault
		heard []data.CommandStatusType // then the end of the connection, when ends
		ends  bool
		taken bool
	}{
		{SMSFault{At: AtRead, Do: SMSDrop}, nil, true, false},
		{SMSFault{At: AtSubmit, Do: SMSDrop}, nil, true, true},
		{SMSFault{At: AtSubmit, Do: SMSTwice}, []data.CommandStatusType{0, 0}, false, true},
		{SMSFault{At: AtSubmit, Do: SMSRefuse, Status: ESMEThrottled}, []data.CommandStatusType{0x58}, false, false},
		{SMSFault{At: AtSubmit, Do: SMSRefuseBody, Status: ESMEInvalidDest}, []data.CommandStatusType{0x0b}, false, false},
		{SMSFault{At: AtSubmit, Do: SMSNack, Status: ESMESystemError}, []data.CommandStatusType{0x08}, false, false},
		{SMSFault{At: AtSubmit, Do: SMSDrop, To: "33639989999"}, []data.CommandStatusType{0}, false, true},
	} {
		before := len(c.Messages())
		c.Plan(tc.fault)
		e := dialSMSCentre(t, c)
		e.bind("")
		e.submit("33639980001", "a", data.GSM7BIT)
		for _, want := range tc.heard {
			if got := e.hear().GetHeader().CommandStatus; got != want {
				t.Errorf("%+v: heard %v, want %v", tc.fault, got, want)
			}
		}
		if tc.ends {
			if _, err := e.conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%+v: the connection went on", tc.fault)
			}
		}
		if got := len(c.Messages()) - before; (got == 1) != tc.taken {
			t.Errorf("%+v: %d taken", tc.fault, got)
		}
	}
	c.Plan(SMSFault{At: AtSubmit, Do: SMSStall}, SMSFault{At: AtLink, Do: SMSStall})
	e := dialSMSCentre(t, c)
	e.bind("")
	e.submit("33639980001", "a", data.GSM7BIT)
	e.say(pdu.NewEnquireLink())
	if err := c.WaitStalled(within(t), 2); err != nil {
		t.Fatal(err)
	}
	c.Release()
	if got, ok := e.hear().(*pdu.SubmitSMResp); !ok || !got.IsOk() {
		t.Errorf("after the release: %+v", got)
	}
	if c.Played(AtRead) != 1 || c.Played(AtSubmit) != 6 || c.Played(AtLink) != 1 {
		t.Errorf("played %d, %d, %d", c.Played(AtRead), c.Played(AtSubmit), c.Played(AtLink))
	}
}

func TestSMSCentreLimit(t *testing.T) {
	t.Parallel()
	c := SMPP(t, SMSCentreOptions{PerSecond: 3})
	e := dialSMSCentre(t, c)
	e.bind("")
	var heard []data.CommandStatusType
	for range 5 {
		e.submit("33639980001", "a", data.GSM7BIT)
		heard = append(heard, e.hear().GetHeader().CommandStatus)
	}
	if !slices.Equal(heard, []data.CommandStatusType{0, 0, 0, 0x58, 0x58}) || c.Throttled() != 2 || len(c.Messages()) != 3 {
		t.Errorf("heard %v, %d throttled, %d taken", heard, c.Throttled(), len(c.Messages()))
	}
}

func TestSMSCentreOptionsRefused(t *testing.T) {
	t.Parallel()
	if _, err := StartSMSCentre(SMSCentreOptions{Perl: true, TLS: true}); err == nil {
		t.Error("Perl with TLS was accepted")
	}
}
