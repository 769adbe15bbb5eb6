package courier

import (
	"errors"
	"io"
	"net/http"

	"github.com/preau-ent/preau/internal/courier/internal/httpsms"
	"github.com/preau-ent/preau/internal/page"
)

// byHTTP is a provider over HTTP. What it says later, it says by calling us.
type byHTTP struct {
	bySMS
	provider *httpsms.Provider
}

// called takes what a provider over HTTP says: receipts and what telephones answer. It
// answers success only for what is kept, so that the provider comes again with the rest.
// Nothing about it tells a stranger whether the carrier exists.
func (p *Pages) called(w http.ResponseWriter, r *http.Request) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, httpsms.MostCallback+1))
	if err != nil {
		return page.NotFound()
	}
	a := p.Courier.carriers.named(r.PathValue("carrier"))
	if a == nil {
		return page.NotFound()
	}
	over, ok := a.carrier.(byHTTP)
	if !ok {
		return page.NotFound()
	}
	said, err := over.provider.Callback(r, raw)
	if errors.Is(err, httpsms.ErrCallback) {
		return page.NotFound()
	}
	if err != nil {
		// Authentic and not understood: it is not asked for again.
		p.Courier.log.Warn("courier: a callback was not understood", "carrier", a.name)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if said.Unread > 0 {
		p.Courier.log.Warn("courier: entries of a callback were not understood", "carrier", a.name, "n", said.Unread)
	}
	in := p.Courier.inbox(r.Context(), a)
	for _, one := range said.Receipts {
		err = errors.Join(err, in.Receipt(one))
	}
	for _, one := range said.Incoming {
		err = errors.Join(err, in.Incoming(one))
	}
	if err != nil {
		return err
	}
	kind, status := said.Answer.Type, said.Answer.Status
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, err = io.WriteString(w, said.Answer.Body)
	return err
}
