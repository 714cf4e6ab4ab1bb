// Go's fasthttp as a peer: "Hello, World!" to every GET, the body of a request back to every POST.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run fasthttp.go PORT
package main

import (
	"log"
	"os"

	"github.com/valyala/fasthttp"
)

var hello = []byte("Hello, World!")

func handle(ctx *fasthttp.RequestCtx) {
	if ctx.IsPost() {
		ctx.Success("application/octet-stream", ctx.PostBody())
		return
	}
	ctx.Success("text/plain", hello)
}

func main() {
	log.Fatal(fasthttp.ListenAndServe("127.0.0.1:"+os.Args[1], handle))
}
