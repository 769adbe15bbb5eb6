package account

import "net/http"

// OnSharedDevice tells whether the session of a request was opened on a computer that
// others use too; true where there is no session.
func (k *Keeper) OnSharedDevice(r *http.Request) bool {
	t, ok := k.ticket(r)
	return !ok || t.Shared
}
