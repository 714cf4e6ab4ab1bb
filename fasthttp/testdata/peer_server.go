// A server of Go's net/http for client_peer_test.cc: prints its address and serves until it is
// killed.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, "%s %s %d %s %q", r.Method, r.URL.RequestURI(), len(body),
		r.Header.Get("User-Agent"), r.TransferEncoding)
}

func chunked(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Sum")
	for i := 0; i < 10; i++ {
		fmt.Fprintf(w, "piece %d\n", i)
		w.(http.Flusher).Flush()
	}
	w.Header().Set("X-Sum", "ten")
}

func hints(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Link", "</style.css>; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	fmt.Fprint(w, "hinted")
}

// Answers without having read the body, and ends the connection.
func refuse(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	http.Error(w, "too large", http.StatusRequestEntityTooLarge)
}

// Ends the connection in the middle of the body.
func abort(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, "not a thousand")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func main() {
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/chunked", chunked)
	http.HandleFunc("/hints", hints)
	http.HandleFunc("/refuse", refuse)
	http.HandleFunc("/abort", abort)
	http.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		echo(w, r)
	})
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Hour) })
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("0123456789", 300000))
	})
	http.Handle("/moved", http.RedirectHandler("/echo?from=moved", http.StatusMovedPermanently))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	server := http.Server{IdleTimeout: time.Minute}
	fmt.Println(server.Serve(listener))
}
