"""What is stored in Postgres."""

from datetime import datetime

from sqlalchemy import create_engine, func
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, sessionmaker


class Base(MappedAsDataclass, DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(init=False, server_default=func.now())


class Database:
    """An engine and its sessions: `with database.session() as session` is one transaction."""

    def __init__(self, url: str) -> None:
        # A connection that Postgres dropped while it restarted is replaced instead of failing.
        self.engine = create_engine(url, pool_pre_ping=True)
        self.session = sessionmaker(self.engine).begin

    def create_tables(self) -> None:
        Base.metadata.create_all(self.engine)
