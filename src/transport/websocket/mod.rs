//! WebSocket
