// Package httpsms speaks with SMS providers over HTTP.
package httpsms
