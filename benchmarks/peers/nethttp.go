// Go's net/http as a peer: "Hello, World!" to every GET, the body of a request back to every POST.
//
//	GO111MODULE=off go run nethttp.go PORT
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

var hello = []byte("Hello, World!")

func handle(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(hello)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(body)
}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(handle)))
}
