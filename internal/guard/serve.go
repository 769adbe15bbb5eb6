package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/guard/internal/smppserver"
)

// Endpoints are where a guard listens.
type Endpoints struct{ smpp, http net.Listener }

// Addresses gives where the tool connects to; empty where there is no such endpoint.
func (e Endpoints) Addresses() (smpp, http string) {
	if e.smpp != nil {
		smpp = e.smpp.Addr().String()
	}
	if e.http != nil {
		http = e.http.Addr().String()
	}
	return smpp, http
}

// Listen opens the guard's endpoints. Serve serves and closes them.
func (g *Guard) Listen() (e Endpoints, err error) {
	if e.smpp, err = g.file.SMPP.listen(); err != nil {
		return e, fmt.Errorf("guard: smpp: %w", err)
	}
	if e.http, err = g.file.HTTP.listen(); err != nil {
		if e.smpp != nil {
			e.smpp.Close()
		}
		return e, fmt.Errorf("guard: http: %w", err)
	}
	return e, nil
}

// Begin finds the school of the guard file.
func (g *Guard) Begin(ctx context.Context) error {
	if g.school != "" {
		return nil
	}
	return g.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		all, err := directory.Schools(ctx, tx)
		for _, s := range all {
			if s.UAI == g.file.School {
				g.school = s.ID
				return nil
			}
		}
		if err == nil {
			err = fmt.Errorf("guard: there is no school %s here", g.file.School)
		}
		return err
	})
}

// School is the id of the school whose tool is served; empty before Begin.
func (g *Guard) School() string { return g.school }

// Serve takes messages and lets them leave until ctx ends; then nothing more is taken,
// and what is on its way has its answer.
func (g *Guard) Serve(ctx context.Context, e Endpoints) error {
	var all sync.WaitGroup
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	loop := func(what string, run func() error) {
		all.Go(func() {
			if err := run(); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("guard: %s: %w", what, err))
			}
		})
	}
	loop("messages", func() error { return g.run(ctx) })
	if e.smpp != nil {
		loop("smpp", func() error { return g.smppServer().Serve(ctx, e.smpp) })
	}
	if e.http != nil {
		server := &http.Server{Handler: g.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
		loop("http", func() error {
			if err := server.Serve(e.http); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		all.Go(func() {
			<-ctx.Done()
			bye, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = server.Shutdown(bye)
		})
	}
	all.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// smppServer is the SMS centre that the tool sees.
func (g *Guard) smppServer() *smppserver.Server {
	return smppserver.New(smppserver.Config{
		SystemID: g.file.SystemID, Password: g.file.Password, Latin1: g.file.Alphabet == "latin1", Now: g.now, Log: g.log,
		Submit: func(ctx context.Context, m smppserver.Message) (string, smppserver.Status) {
			id, err := g.Accept(ctx, Offer{To: m.To, Sender: m.From, Text: m.Text, Via: "smpp", Wanted: m.Receipt, Life: m.Life, Part: Part{Ref: m.Part.Ref, Total: m.Part.Total, N: m.Part.N}})
			switch {
			case err == nil:
				return id, smppserver.OK
			case errors.Is(err, ErrNumber):
				return "", smppserver.InvalidDestination
			case errors.Is(err, ErrText):
				return "", smppserver.InvalidLength
			case errors.Is(err, ErrLife):
				return "", smppserver.InvalidExpiry
			}
			if !errors.Is(err, ErrPart) {
				g.log.Error("guard: a message could not be kept; the tool was told so", "err", err)
			}
			return "", smppserver.QueueFull
		},
		Query: func(ctx context.Context, id string) (smppserver.Receipt, bool) {
			var m Message
			err := g.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
				m, err = StateOf(ctx, tx, g.school, id)
				return err
			})
			return smppserver.Receipt{ID: id, State: stateOf(m.State, m.Because), Done: m.SettledAt}, err == nil
		},
		Receipts: func(ctx context.Context) ([]smppserver.Receipt, error) {
			untold, err := g.untold(ctx, 50)
			out := make([]smppserver.Receipt, len(untold))
			for i, r := range untold {
				out[i] = smppserver.Receipt{ID: r.ID, From: r.Address, To: r.Sender, State: stateOf(r.State, r.Because), Submitted: r.ReceivedAt, Done: r.SettledAt}
			}
			return out, err
		},
		Told: g.told,
	})
}

// stateOf is a message's state as SMPP names them (section 5.2.28).
func stateOf(s State, because string) smppserver.State {
	switch s {
	case courier.Delivered:
		return smppserver.Delivered
	case courier.Refused:
		return smppserver.Undeliverable
	case courier.Unsure:
		return smppserver.Unknown
	case courier.Left:
		return smppserver.Accepted
	case courier.Void:
		switch because {
		case courier.BecauseExpired:
			return smppserver.Expired
		case BecauseDiscarded:
			return smppserver.Deleted
		}
		return smppserver.Rejected
	}
	return smppserver.Enroute
}

// untold lists what the tool is still to be told of, the oldest first: messages, and parts
// of messages, of which nothing more is expected.
func (g *Guard) untold(ctx context.Context, most int64) ([]Receipt, error) {
	var out []Receipt
	err := g.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		err := tx.NewSelect().TableExpr("guard_messages AS m").ColumnExpr("m.id, m.address, m.sender, m.state, m.because, m.received_at, m.settled_at").
			Where("m.school = ? AND m.wanted AND m.told_at IS NULL AND m.state IN ('delivered', 'refused', 'void')", g.school).OrderExpr("m.settled_at, m.id").Limit(most).Scan(ctx, &out)
		if err != nil {
			return err
		}
		var parts []Receipt
		err = tx.NewSelect().TableExpr("guard_parts AS p").Join("JOIN guard_messages AS m ON m.school = p.school AND m.id = p.message").ColumnExpr("p.id, m.address, p.sender, m.state, m.because, p.received_at, m.settled_at").
			Where("p.school = ? AND p.message IS NOT NULL AND p.wanted AND p.told_at IS NULL AND m.state IN ('delivered', 'refused', 'void')", g.school).OrderExpr("p.received_at, p.id").Limit(most).Scan(ctx, &parts)
		out = append(out, parts...)
		return err
	})
	return out, err
}

// told notes that the tool has acknowledged a receipt.
func (g *Guard) told(ctx context.Context, id string) error {
	return g.db.InSchool(ctx, g.school, func(ctx context.Context, tx database.Tx) error {
		at := database.Stamp(g.now())
		if _, err := tx.NewUpdate().Model((*Message)(nil)).Set("told_at = ?", at).Where("m.school = ? AND m.id = ? AND m.told_at IS NULL", g.school, id).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*part)(nil)).Set("told_at = ?", at).Where("p.school = ? AND p.id = ? AND p.told_at IS NULL", g.school, id).Exec(ctx)
		return err
	})
}
